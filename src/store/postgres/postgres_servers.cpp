// Of several servers on one database: whose answers ran, and whose turn it is.
#include "store/postgres/postgres_store_body.hpp"

namespace faelled::store::postgres {

Expected<void> PostgresStore::take_turn() {
  constexpr std::int64_t turn = 0x46616772;  // "Fagr"
  return db_->each("SELECT pg_advisory_xact_lock($1)", [](sql::Row&) {}, turn);
}

Expected<void> PostgresStore::add_message(const SealedMessage& row) {
  return sql::done(db_->change(
      "INSERT INTO messages (id, conversation, role, state, content, model, request_id, error_message, "
      "error_message_da, created_at, server, parent, ended_by, input_tokens, output_tokens, rating, rating_reason) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
      row.id, row.conversation, static_cast<int>(row.role), static_cast<int>(row.state), blob(row.content), row.model,
      row.request_id, row.error_message, row.error_message_da, row.created_at, server_, row.parent,
      static_cast<int>(row.limit), row.input_tokens, row.output_tokens, static_cast<int>(row.rating),
      blob(row.rating_reason)));
}

// An answer that is gone on with is the one's that goes on with it, whoever began it.
Expected<void> PostgresStore::update_message(const SealedMessage& row) {
  if (auto updated = SqlStore::update_message(row); !updated || row.state != MessageState::running) return updated;
  return sql::done(db_->change("UPDATE messages SET server = $1 WHERE id = $2", server_, row.id));
}

Expected<std::size_t> PostgresStore::fail_running_messages(const std::string& message, const std::string& message_da) {
  auto changed = db_->change(
      "UPDATE messages SET state = $1, error_message = $2, error_message_da = $3 WHERE state = $4 AND server = $5",
      static_cast<int>(MessageState::failed), message, message_da, static_cast<int>(MessageState::running), server_);
  if (!changed) return std::unexpected(changed.error());
  return static_cast<std::size_t>(*changed);
}

}  // namespace faelled::store::postgres
