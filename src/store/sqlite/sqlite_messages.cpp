#include "store/sqlite/sqlite_store_body.hpp"

namespace faelled::store::sqlite {

Expected<void> SqliteStore::add_message(const SealedMessage& row) {
  return sql::done(db_->change(
      "INSERT INTO messages (id, conversation, role, state, content, model, request_id, error_message, "
      "error_message_da, created_at, parent, ended_by, input_tokens, output_tokens, rating, rating_reason) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      row.id, row.conversation, static_cast<int>(row.role), static_cast<int>(row.state), blob(row.content), row.model,
      row.request_id, row.error_message, row.error_message_da, row.created_at, row.parent, static_cast<int>(row.limit),
      row.input_tokens, row.output_tokens, static_cast<int>(row.rating), blob(row.rating_reason)));
}

Expected<std::size_t> SqliteStore::fail_running_messages(const std::string& message, const std::string& message_da) {
  auto changed =
      db_->change("UPDATE messages SET state = ?, error_message = ?, error_message_da = ? WHERE state = ?",
                  static_cast<int>(MessageState::failed), message, message_da, static_cast<int>(MessageState::running));
  if (!changed) return std::unexpected(changed.error());
  return static_cast<std::size_t>(*changed);
}

}  // namespace faelled::store::sqlite
