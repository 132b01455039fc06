#include "store/sqlite/sqlite_store_body.hpp"

namespace faelled::store::sqlite {
namespace {

SealedConversation read_conversation(Statement& row) {
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

std::span<const std::byte> blob(const Bytes& bytes) { return bytes; }

}  // namespace

Expected<std::optional<Bytes>> SqliteStore::member_data_key(const std::string& member) {
  std::optional<Bytes> out;
  auto read = db_->each(
      "SELECT wrapped FROM member_data_keys WHERE member = ?", [&](Statement& row) { out = row.blob(); }, member);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqliteStore::add_member_data_key(const std::string& member, const Bytes& wrapped) {
  return done(db_->change("INSERT INTO member_data_keys (member, wrapped) VALUES (?, ?)", member, blob(wrapped)));
}

Expected<bool> SqliteStore::has_member_data_keys() {
  bool out = false;
  auto read =
      db_->each("SELECT EXISTS (SELECT 1 FROM member_data_keys)", [&](Statement& row) { out = row.number() != 0; });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqliteStore::add_conversation(const SealedConversation& row) {
  return done(db_->change(
      "INSERT INTO conversations (id, user, member, model, title, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      row.id, row.user, row.member, row.model, blob(row.title), row.created_at, row.updated_at));
}

Expected<SealedConversation> SqliteStore::conversation(const std::string& user, const std::string& id) {
  std::optional<SealedConversation> out;
  auto read = db_->each(
      "SELECT id, user, member, model, title, created_at, updated_at FROM conversations WHERE id = ? AND user = ?",
      [&](Statement& row) { out = read_conversation(row); }, id, user);
  if (!read) return std::unexpected(read.error());
  if (!out) return fail(Errc::not_found, absent);
  return std::move(*out);
}

Expected<std::vector<SealedConversation>> SqliteStore::conversations(const std::string& user, const std::string& before,
                                                                     std::size_t limit) {
  std::optional<WallTime> before_time;
  if (!before.empty()) {
    auto last = conversation(user, before);
    if (!last) return std::unexpected(last.error());
    before_time = last->updated_at;
  }
  std::vector<SealedConversation> out;
  auto read = db_->each(
      "SELECT id, user, member, model, title, created_at, updated_at FROM conversations WHERE user = ?1 "
      "AND (?2 IS NULL OR (updated_at, id) < (?2, ?3)) ORDER BY updated_at DESC, id DESC LIMIT ?4",
      [&](Statement& row) { out.push_back(read_conversation(row)); }, user, before_time, before, limit);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqliteStore::update_conversation(const SealedConversation& row) {
  return done_or_absent(
      db_->change("UPDATE conversations SET title = ?, model = ?, updated_at = ? WHERE id = ? AND user = ?",
                  blob(row.title), row.model, row.updated_at, row.id, row.user),
      absent);
}

Expected<void> SqliteStore::remove_conversation(const std::string& user, const std::string& id) {
  return done_or_absent(db_->change("DELETE FROM conversations WHERE id = ? AND user = ?", id, user), absent);
}

Expected<std::size_t> SqliteStore::remove_conversations(const std::string& member, WallTime before, std::size_t limit) {
  auto removed = db_->change(
      "DELETE FROM conversations WHERE id IN (SELECT id FROM conversations WHERE member = ? AND updated_at < ? "
      "ORDER BY updated_at LIMIT ?)",
      member, before, limit);
  if (!removed) return std::unexpected(removed.error());
  return static_cast<std::size_t>(*removed);
}

Expected<void> SqliteStore::add_message(const SealedMessage& row) {
  return done(
      db_->change("INSERT INTO messages (id, conversation, role, state, content, model, request_id, error_message, "
                  "error_message_da, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  row.id, row.conversation, static_cast<int>(row.role), static_cast<int>(row.state), blob(row.content),
                  row.model, row.request_id, row.error_message, row.error_message_da, row.created_at));
}

Expected<void> SqliteStore::update_message(const SealedMessage& row) {
  return done_or_absent(
      db_->change("UPDATE messages SET state = ?, content = ?, model = ?, request_id = ?, error_message = ?, "
                  "error_message_da = ? WHERE id = ? AND conversation = ?",
                  static_cast<int>(row.state), blob(row.content), row.model, row.request_id, row.error_message,
                  row.error_message_da, row.id, row.conversation),
      "there is no such message");
}

Expected<std::vector<SealedMessage>> SqliteStore::messages(const std::string& conversation) {
  std::vector<SealedMessage> out;
  auto read = db_->each(
      "SELECT id, conversation, role, state, content, model, request_id, error_message, error_message_da, created_at "
      "FROM messages WHERE conversation = ? ORDER BY place",
      [&](Statement& row) {
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

Expected<std::size_t> SqliteStore::fail_running_messages(const std::string& message, const std::string& message_da) {
  auto changed =
      db_->change("UPDATE messages SET state = ?, error_message = ?, error_message_da = ? WHERE state = ?",
                  static_cast<int>(MessageState::failed), message, message_da, static_cast<int>(MessageState::running));
  if (!changed) return std::unexpected(changed.error());
  return static_cast<std::size_t>(*changed);
}

}  // namespace faelled::store::sqlite
