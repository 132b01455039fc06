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
  out.leaf = row.text();
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
  return done(
      db_->change("INSERT INTO conversations (id, user, member, model, title, created_at, updated_at, leaf) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  row.id, row.user, row.member, row.model, blob(row.title), row.created_at, row.updated_at, row.leaf));
}

Expected<SealedConversation> SqliteStore::conversation(const std::string& user, const std::string& id) {
  std::optional<SealedConversation> out;
  auto read = db_->each(
      "SELECT id, user, member, model, title, created_at, updated_at, leaf FROM conversations "
      "WHERE id = ? AND user = ? AND deleted_at IS NULL",
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
      "SELECT id, user, member, model, title, created_at, updated_at, leaf FROM conversations WHERE user = ?1 "
      "AND deleted_at IS NULL AND (?2 IS NULL OR (updated_at, id) < (?2, ?3)) ORDER BY updated_at DESC, id DESC LIMIT "
      "?4",
      [&](Statement& row) { out.push_back(read_conversation(row)); }, user, before_time, before, limit);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqliteStore::update_conversation(const SealedConversation& row) {
  return done_or_absent(db_->change("UPDATE conversations SET title = ?, model = ?, updated_at = ?, leaf = ? "
                                    "WHERE id = ? AND user = ? AND deleted_at IS NULL",
                                    blob(row.title), row.model, row.updated_at, row.leaf, row.id, row.user),
                        absent);
}

Expected<void> SqliteStore::delete_conversation(const std::string& user, const std::string& id, WallTime now) {
  return done_or_absent(
      db_->change("UPDATE conversations SET deleted_at = ? WHERE id = ? AND user = ? AND deleted_at IS NULL", now, id,
                  user),
      absent);
}

Expected<std::size_t> SqliteStore::delete_conversations(const std::string& user, WallTime now) {
  return counted(
      db_->change("UPDATE conversations SET deleted_at = ? WHERE user = ? AND deleted_at IS NULL", now, user));
}

Expected<std::vector<DeletedConversation>> SqliteStore::deleted_conversations(const std::string& user,
                                                                              std::size_t limit) {
  std::vector<DeletedConversation> out;
  auto read = db_->each(
      "SELECT id, user, member, model, title, created_at, updated_at, leaf, deleted_at FROM conversations "
      "WHERE user = ? AND deleted_at IS NOT NULL ORDER BY deleted_at DESC, id DESC LIMIT ?",
      [&](Statement& row) {
        DeletedConversation& one = out.emplace_back();
        one.row = read_conversation(row);
        one.deleted_at = row.time();
      },
      user, limit);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqliteStore::restore_conversation(const std::string& user, const std::string& id) {
  return done_or_absent(
      db_->change("UPDATE conversations SET deleted_at = NULL WHERE id = ? AND user = ? AND deleted_at IS NOT NULL", id,
                  user),
      absent);
}

Expected<std::size_t> SqliteStore::restore_conversations(const std::string& user, WallTime deleted_at) {
  return counted(
      db_->change("UPDATE conversations SET deleted_at = NULL WHERE user = ? AND deleted_at = ?", user, deleted_at));
}

Expected<std::size_t> SqliteStore::erase_deleted(WallTime before) {
  return counted(db_->change("DELETE FROM conversations WHERE deleted_at < ?", before));
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
  return done(db_->change(
      "INSERT INTO messages (id, conversation, role, state, content, model, request_id, error_message, "
      "error_message_da, created_at, parent, ended_by, input_tokens, output_tokens, rating, rating_reason) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      row.id, row.conversation, static_cast<int>(row.role), static_cast<int>(row.state), blob(row.content), row.model,
      row.request_id, row.error_message, row.error_message_da, row.created_at, row.parent, static_cast<int>(row.limit),
      row.input_tokens, row.output_tokens, static_cast<int>(row.rating), blob(row.rating_reason)));
}

Expected<void> SqliteStore::update_message(const SealedMessage& row) {
  return done_or_absent(
      db_->change("UPDATE messages SET state = ?, content = ?, model = ?, request_id = ?, error_message = ?, "
                  "error_message_da = ?, ended_by = ?, input_tokens = ?, output_tokens = ?, rating = ?, "
                  "rating_reason = ? WHERE id = ? AND conversation = ?",
                  static_cast<int>(row.state), blob(row.content), row.model, row.request_id, row.error_message,
                  row.error_message_da, static_cast<int>(row.limit), row.input_tokens, row.output_tokens,
                  static_cast<int>(row.rating), blob(row.rating_reason), row.id, row.conversation),
      "there is no such message");
}

Expected<std::vector<SealedMessage>> SqliteStore::messages(const std::string& conversation) {
  std::vector<SealedMessage> out;
  auto read = db_->each(
      "SELECT id, conversation, role, state, content, model, request_id, error_message, error_message_da, created_at, "
      "parent, ended_by, input_tokens, output_tokens, rating, rating_reason FROM messages WHERE conversation = ? ORDER "
      "BY place",
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
        message.parent = row.text();
        message.limit = static_cast<MessageLimit>(row.number());
        message.input_tokens = static_cast<std::uint32_t>(row.number());
        message.output_tokens = static_cast<std::uint32_t>(row.number());
        message.rating = static_cast<Rating>(row.number());
        message.rating_reason = row.blob();
      },
      conversation);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<std::vector<RatingSum>> SqliteStore::rating_sums(const std::string& member) {
  std::vector<RatingSum> out;
  auto read = db_->each(
      "SELECT m.model, sum(m.rating = 1), sum(m.rating = 2) FROM conversations AS c "
      "JOIN messages AS m ON m.conversation = c.id AND m.rating != 0 "
      "WHERE c.member = ? AND c.deleted_at IS NULL GROUP BY m.model ORDER BY m.model",
      [&](Statement& row) {
        RatingSum& sum = out.emplace_back();
        sum.model = row.text();
        sum.up = static_cast<std::uint64_t>(row.number());
        sum.down = static_cast<std::uint64_t>(row.number());
      },
      member);
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
