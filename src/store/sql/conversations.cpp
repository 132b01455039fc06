#include "store/sql/sql_store.hpp"

namespace faelled::store::sql {
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
  out.leaf = row.text();
  return out;
}

constexpr const char* absent = "there is no such conversation";

}  // namespace

Expected<std::optional<Bytes>> SqlStore::member_data_key(const std::string& member) {
  std::optional<Bytes> out;
  auto read =
      db_.each("SELECT wrapped FROM member_data_keys WHERE member = $1", [&](Row& row) { out = row.blob(); }, member);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqlStore::add_member_data_key(const std::string& member, const Bytes& wrapped) {
  return done(db_.change("INSERT INTO member_data_keys (member, wrapped) VALUES ($1, $2)", member, blob(wrapped)));
}

Expected<bool> SqlStore::has_member_data_keys() {
  bool out = false;
  auto read = db_.each("SELECT EXISTS (SELECT 1 FROM member_data_keys)", [&](Row& row) { out = row.number() != 0; });
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqlStore::add_conversation(const SealedConversation& row) {
  return done(
      db_.change("INSERT INTO conversations (id, \"user\", member, model, title, created_at, updated_at, leaf) "
                 "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                 row.id, row.user, row.member, row.model, blob(row.title), row.created_at, row.updated_at, row.leaf));
}

Expected<SealedConversation> SqlStore::conversation(const std::string& user, const std::string& id) {
  std::optional<SealedConversation> out;
  auto read = db_.each(
      "SELECT id, \"user\", member, model, title, created_at, updated_at, leaf FROM conversations WHERE id = $1 "
      "AND \"user\" = $2 AND deleted_at IS NULL",
      [&](Row& row) { out = read_conversation(row); }, id, user);
  if (!read) return std::unexpected(read.error());
  if (!out) return fail(Errc::not_found, absent);
  return std::move(*out);
}

Expected<std::vector<SealedConversation>> SqlStore::conversations(const std::string& user,
                                                                  const ConversationsFrom& from, std::size_t limit) {
  std::vector<SealedConversation> out;
  const auto add = [&](Row& row) { out.push_back(read_conversation(row)); };
  constexpr std::string_view behind_all_ids = "~";
  auto read =
      from.order == ConversationsFrom::Order::made
          ? db_.each(
                "SELECT id, \"user\", member, model, title, created_at, updated_at, leaf FROM conversations "
                "WHERE \"user\" = $1 AND deleted_at IS NULL AND id < $2 ORDER BY id DESC LIMIT $3",
                add, user, from.id.empty() ? behind_all_ids : std::string_view(from.id), limit)
          : db_.each(
                "SELECT id, \"user\", member, model, title, created_at, updated_at, leaf FROM conversations "
                "WHERE \"user\" = $1 "
                "AND deleted_at IS NULL AND ($2 = '' OR (updated_at, id) < ($3, $2)) ORDER BY updated_at DESC, id "
                "DESC LIMIT $4",
                add, user, from.id, from.changed_at, limit);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqlStore::update_conversation(const SealedConversation& row) {
  return done_or_absent(
      db_.change("UPDATE conversations SET title = $1, model = $2, updated_at = $3, leaf = $4 WHERE id = $5 "
                 "AND \"user\" = $6 AND deleted_at IS NULL",
                 blob(row.title), row.model, row.updated_at, row.leaf, row.id, row.user),
      absent);
}

Expected<void> SqlStore::delete_conversation(const std::string& user, const std::string& id, WallTime now) {
  return done_or_absent(
      db_.change("UPDATE conversations SET deleted_at = $1 WHERE id = $2 AND \"user\" = $3 AND deleted_at IS NULL", now,
                 id, user),
      absent);
}

Expected<std::size_t> SqlStore::delete_conversations(const std::string& user, WallTime now) {
  return counted(
      db_.change("UPDATE conversations SET deleted_at = $1 WHERE \"user\" = $2 AND deleted_at IS NULL", now, user));
}

Expected<std::vector<DeletedConversation>> SqlStore::deleted_conversations(const std::string& user, std::size_t limit) {
  std::vector<DeletedConversation> out;
  auto read = db_.each(
      "SELECT id, \"user\", member, model, title, created_at, updated_at, leaf, deleted_at FROM conversations "
      "WHERE \"user\" = $1 AND deleted_at IS NOT NULL ORDER BY deleted_at DESC, id DESC LIMIT $2",
      [&](Row& row) {
        DeletedConversation& one = out.emplace_back();
        one.row = read_conversation(row);
        one.deleted_at = row.time();
      },
      user, limit);
  if (!read) return std::unexpected(read.error());
  return out;
}

Expected<void> SqlStore::restore_conversation(const std::string& user, const std::string& id) {
  return done_or_absent(
      db_.change(
          "UPDATE conversations SET deleted_at = NULL WHERE id = $1 AND \"user\" = $2 AND deleted_at IS NOT NULL", id,
          user),
      absent);
}

Expected<std::size_t> SqlStore::restore_conversations(const std::string& user, WallTime deleted_at) {
  return counted(db_.change("UPDATE conversations SET deleted_at = NULL WHERE \"user\" = $1 AND deleted_at = $2", user,
                            deleted_at));
}

Expected<std::size_t> SqlStore::erase_deleted(WallTime before, std::size_t limit) {
  return counted(
      db_.change("DELETE FROM conversations WHERE id IN (SELECT id FROM conversations WHERE deleted_at < $1 ORDER BY "
                 "deleted_at LIMIT $2)",
                 before, limit));
}

Expected<std::size_t> SqlStore::remove_conversations(const std::string& member, WallTime before, std::size_t limit) {
  auto removed = db_.change(
      "DELETE FROM conversations WHERE id IN (SELECT id FROM conversations WHERE member = $1 AND updated_at < $2 "
      "ORDER BY updated_at LIMIT $3)",
      member, before, limit);
  return counted(removed);
}

Expected<void> SqlStore::update_message(const SealedMessage& row) {
  return done_or_absent(
      db_.change("UPDATE messages SET state = $1, content = $2, model = $3, request_id = $4, error_message = $5, "
                 "error_message_da = $6, ended_by = $7, input_tokens = $8, output_tokens = $9, rating = $10, "
                 "rating_reason = $11 WHERE id = $12 AND conversation = $13",
                 static_cast<int>(row.state), blob(row.content), row.model, row.request_id, row.error_message,
                 row.error_message_da, static_cast<int>(row.limit), row.input_tokens, row.output_tokens,
                 static_cast<int>(row.rating), blob(row.rating_reason), row.id, row.conversation),
      "there is no such message");
}

Expected<std::vector<SealedMessage>> SqlStore::messages(const std::string& conversation) {
  std::vector<SealedMessage> out;
  auto read = db_.each(
      "SELECT id, conversation, role, state, content, model, request_id, error_message, error_message_da, created_at, "
      "parent, ended_by, input_tokens, output_tokens, rating, rating_reason FROM messages WHERE conversation = $1 "
      "ORDER BY place",
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

Expected<std::vector<RatingSum>> SqlStore::rating_sums(const std::string& member) {
  std::vector<RatingSum> out;
  auto read = db_.each(
      "SELECT m.model, count(*) FILTER (WHERE m.rating = 1), count(*) FILTER (WHERE m.rating = 2) "
      "FROM conversations AS c JOIN messages AS m ON m.conversation = c.id AND m.rating != 0 "
      "WHERE c.member = $1 AND c.deleted_at IS NULL GROUP BY m.model ORDER BY m.model",
      [&](Row& row) {
        RatingSum& sum = out.emplace_back();
        sum.model = row.text();
        sum.up = static_cast<std::uint64_t>(row.number());
        sum.down = static_cast<std::uint64_t>(row.number());
      },
      member);
  if (!read) return std::unexpected(read.error());
  return out;
}

}  // namespace faelled::store::sql
