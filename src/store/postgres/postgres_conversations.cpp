#include "store/postgres/postgres_store_body.hpp"

namespace faelled::store::postgres {
namespace {

SealedConversation read_conversation(Row& row) {
  SealedConversation out;
  out.id = row.text();
  out.user = row.text();
  out.member = row.text();
  out.model = row.text();
  out.title = row.blob();
  out.created_at = row.time();
  out.updated_at = row.time();
  return out;
}

constexpr const char* absent = "there is no such conversation";

}  // namespace

Expected<std::optional<Bytes>> PostgresStore::member_data_key(const std::string& member) {
  std::optional<Bytes> out;
  auto read =
      db_->each("SELECT wrapped FROM member_data_keys WHERE member = $1", [&](Row& row) { out = row.blob(); }, member);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> PostgresStore::add_member_data_key(const std::string& member, const Bytes& wrapped) {
  return done(db_->change("INSERT INTO member_data_keys (member, wrapped) VALUES ($1, $2)", member, blob(wrapped)));
}

Expected<bool> PostgresStore::has_member_data_keys() {
  bool out = false;
  auto read = db_->each("SELECT EXISTS (SELECT 1 FROM member_data_keys)", [&](Row& row) { out = row.number() != 0; });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> PostgresStore::add_conversation(const SealedConversation& row) {
  return done(
      db_->change("INSERT INTO conversations (id, \"user\", member, model, title, created_at, updated_at) VALUES ($1, "
                  "$2, $3, $4, $5, $6, $7)",
                  row.id, row.user, row.member, row.model, blob(row.title), row.created_at, row.updated_at));
}

Expected<SealedConversation> PostgresStore::conversation(const std::string& user, const std::string& id) {
  std::optional<SealedConversation> out;
  auto read = db_->each(
      "SELECT id, \"user\", member, model, title, created_at, updated_at FROM conversations WHERE id = $1 AND \"user\" "
      "= $2",
      [&](Row& row) { out = read_conversation(row); }, id, user);
  if (!read) return std::unexpected(read.error());
  if (!out) return fail(Errc::not_found, absent);
  return std::move(*out);
}

Expected<std::vector<SealedConversation>> PostgresStore::conversations(const std::string& user,
                                                                       const std::string& before, std::size_t limit) {
  std::optional<WallTime> before_time;
  if (!before.empty()) {
    auto last = conversation(user, before);
    if (!last) return std::unexpected(last.error());
    before_time = last->updated_at;
  }
  std::vector<SealedConversation> out;
  auto read = db_->each(
      "SELECT id, \"user\", member, model, title, created_at, updated_at FROM conversations WHERE \"user\" = $1 "
      "AND ($2::bigint IS NULL OR (updated_at, id) < ($2, $3)) ORDER BY updated_at DESC, id DESC LIMIT $4",
      [&](Row& row) { out.push_back(read_conversation(row)); }, user, before_time, before, limit);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> PostgresStore::update_conversation(const SealedConversation& row) {
  return done_or_absent(
      db_->change("UPDATE conversations SET title = $1, model = $2, updated_at = $3 WHERE id = $4 AND \"user\" = $5",
                  blob(row.title), row.model, row.updated_at, row.id, row.user),
      absent);
}

Expected<void> PostgresStore::remove_conversation(const std::string& user, const std::string& id) {
  return done_or_absent(db_->change("DELETE FROM conversations WHERE id = $1 AND \"user\" = $2", id, user), absent);
}

Expected<std::size_t> PostgresStore::remove_conversations(const std::string& member, WallTime before,
                                                          std::size_t limit) {
  auto removed = db_->change(
      "DELETE FROM conversations WHERE id IN (SELECT id FROM conversations WHERE member = $1 AND updated_at < $2 "
      "ORDER BY updated_at LIMIT $3)",
      member, before, limit);
  if (!removed) return std::unexpected(removed.error());
  return static_cast<std::size_t>(*removed);
}

Expected<void> PostgresStore::add_message(const SealedMessage& row) {
  return done(
      db_->change("INSERT INTO messages (id, conversation, role, state, content, model, request_id, error_message, "
                  "error_message_da, created_at, server) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                  row.id, row.conversation, static_cast<int>(row.role), static_cast<int>(row.state), blob(row.content),
                  row.model, row.request_id, row.error_message, row.error_message_da, row.created_at, server_));
}

Expected<void> PostgresStore::update_message(const SealedMessage& row) {
  return done_or_absent(
      db_->change("UPDATE messages SET state = $1, content = $2, model = $3, request_id = $4, error_message = $5, "
                  "error_message_da = $6 WHERE id = $7 AND conversation = $8",
                  static_cast<int>(row.state), blob(row.content), row.model, row.request_id, row.error_message,
                  row.error_message_da, row.id, row.conversation),
      "there is no such message");
}

Expected<std::vector<SealedMessage>> PostgresStore::messages(const std::string& conversation) {
  std::vector<SealedMessage> out;
  auto read = db_->each(
      "SELECT id, conversation, role, state, content, model, request_id, error_message, error_message_da, created_at "
      "FROM messages WHERE conversation = $1 ORDER BY place",
      [&](Row& row) {
        SealedMessage& message = out.emplace_back();
        message.id = row.text();
        message.conversation = row.text();
        message.role = static_cast<MessageRole>(row.number());
        message.state = static_cast<MessageState>(row.number());
        message.content = row.blob();
        message.model = row.text();
        message.request_id = row.text();
        message.error_message = row.text();
        message.error_message_da = row.text();
        message.created_at = row.time();
      },
      conversation);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<std::size_t> PostgresStore::fail_running_messages(const std::string& message, const std::string& message_da) {
  auto changed = db_->change(
      "UPDATE messages SET state = $1, error_message = $2, error_message_da = $3 WHERE state = $4 AND server = $5",
      static_cast<int>(MessageState::failed), message, message_da, static_cast<int>(MessageState::running), server_);
  if (!changed) return std::unexpected(changed.error());
  return static_cast<std::size_t>(*changed);
}

}  // namespace faelled::store::postgres
