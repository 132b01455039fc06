#include "store/conversations.hpp"

#include <algorithm>
#include <utility>

#include "crypto/master_key.hpp"
#include "store/word_search.hpp"

namespace faelled::store {
namespace {

// What a sealed text is bound to: a title or message moved to another row does not open there.
std::string title_of(const std::string& conversation) { return "title/" + conversation; }
std::string content_of(const std::string& conversation, const std::string& message) {
  return "content/" + conversation + "/" + message;
}
std::string reason_of(const std::string& conversation, const std::string& message) {
  return "reason/" + conversation + "/" + message;
}
std::string key_of(const std::string& member) { return "key/" + member; }

// What does not open is our trouble, not a mistake of who asks for it.
Expected<std::string> unsealed(const crypto::SealKey& key, const Bytes& text, const std::string& bound_to) {
  auto plain = crypto::unseal(key, text, bound_to);
  if (plain || plain.error().code != Errc::invalid) return plain;
  return fail(Errc::io, plain.error().message, plain.error().hint);
}

Expected<crypto::SealKey> unwrapped(const crypto::SealKey& master, const Bytes& wrapped, const std::string& member) {
  auto text = unsealed(master, wrapped, key_of(member));
  if (!text) return std::unexpected(text.error());
  crypto::SealKey key{};
  if (text->size() != key.size()) return fail(Errc::io, "the data key of " + member + " has the wrong length");
  std::ranges::copy(std::as_bytes(std::span(*text)), key.begin());
  return key;
}

Expected<Conversation> opened(const crypto::SealKey& key, SealedConversation&& row) {
  auto title = unsealed(key, row.title, title_of(row.id));
  if (!title) return std::unexpected(title.error());
  return Conversation{std::move(row.id), std::move(row.user), std::move(row.member), std::move(row.model),
                      std::move(*title), row.created_at,      row.updated_at,        std::move(row.leaf)};
}

}  // namespace

Expected<crypto::SealKey> Conversations::master_key(const std::filesystem::path& file, Store& store, Random& random) {
  auto key = crypto::read_master_key(file);
  if (key || key.error().code != Errc::not_found) return key;
  auto sealed = store.has_member_data_keys();
  if (!sealed) return std::unexpected(sealed.error());
  if (*sealed) {
    return fail(Errc::not_found, file.string() + " is missing, and conversations are sealed with it",
                "restore it from the backup; without it they cannot be read by anyone");
  }
  return crypto::create_master_key(file, random);
}

Expected<crypto::SealKey> Conversations::data_key(Store& store, const std::string& member) {
  // One that was made in what was rolled back is in no store: what it sealed could never be read again.
  if (const std::uint64_t now = store.rolled_back(); std::exchange(rolled_back_, now) != now) opened_.clear();
  if (const auto found = opened_.find(member); found != opened_.end()) return found->second;
  auto wrapped = store.member_data_key(member);
  if (!wrapped) return std::unexpected(wrapped.error());
  if (!*wrapped) {
    const crypto::SealKey fresh = crypto::make_seal_key(random_);
    const std::string_view text(reinterpret_cast<const char*>(fresh.data()), fresh.size());
    auto sealed = crypto::seal(master_, text, key_of(member), random_);
    if (!sealed) return std::unexpected(sealed.error());
    auto added = store.add_member_data_key(member, *sealed);
    if (!added && added.error().code != Errc::exists) return std::unexpected(added.error());
    // Where another server has made one at the same moment, that one is the member's.
    if (added) {
      *wrapped = std::move(*sealed);
    } else {
      wrapped = store.member_data_key(member);
    }
    if (!wrapped) return std::unexpected(wrapped.error());
    if (!*wrapped) return fail(Errc::unavailable, "the data key of " + member + " has gone", "try again");
  }
  auto key = unwrapped(master_, **wrapped, member);
  if (!key) return std::unexpected(key.error());
  if (opened_.size() >= limits::members_max) opened_.clear();
  opened_.emplace(member, *key);
  return *key;
}

Expected<SealedConversation> Conversations::sealed(Store& store, const Conversation& row) {
  auto key = data_key(store, row.member);
  if (!key) return std::unexpected(key.error());
  auto title = crypto::seal(*key, row.title, title_of(row.id), random_);
  if (!title) return std::unexpected(title.error());
  return SealedConversation{row.id,         row.user,       row.member, row.model, std::move(*title),
                            row.created_at, row.updated_at, row.leaf};
}

Expected<void> Conversations::add(Store& store, const Conversation& row) {
  auto out = sealed(store, row);
  return out ? store.add_conversation(*out) : std::unexpected(out.error());
}

Expected<Conversation> Conversations::get(Store& store, const std::string& user, const std::string& id) {
  auto row = store.conversation(user, id);
  if (!row) return std::unexpected(row.error());
  auto key = data_key(store, row->member);
  if (!key) return std::unexpected(key.error());
  return opened(*key, std::move(*row));
}

Expected<std::vector<Conversation>> Conversations::list(Store& store, const std::string& user,
                                                        const ConversationsFrom& from, std::size_t limit) {
  auto rows = store.conversations(user, from, std::clamp<std::size_t>(limit, 1, limits::conversations_page_max));
  if (!rows) return std::unexpected(rows.error());
  std::vector<Conversation> out;
  for (SealedConversation& row : *rows) {
    auto key = data_key(store, row.member);
    if (!key) return std::unexpected(key.error());
    auto conversation = opened(*key, std::move(row));
    if (!conversation) return std::unexpected(conversation.error());
    out.push_back(std::move(*conversation));
  }
  return out;
}

Expected<void> Conversations::update(Store& store, const Conversation& row) {
  auto out = sealed(store, row);
  return out ? store.update_conversation(*out) : std::unexpected(out.error());
}

Expected<std::vector<std::pair<Conversation, WallTime>>> Conversations::deleted(Store& store, const std::string& user) {
  auto rows = store.deleted_conversations(user, limits::conversations_page_max);
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::pair<Conversation, WallTime>> out;
  for (DeletedConversation& one : *rows) {
    auto key = data_key(store, one.row.member);
    if (!key) return std::unexpected(key.error());
    auto conversation = opened(*key, std::move(one.row));
    if (!conversation) return std::unexpected(conversation.error());
    out.emplace_back(std::move(*conversation), one.deleted_at);
  }
  return out;
}

Expected<Conversations::Slice> Conversations::search(Store& store, const std::string& user,
                                                     const std::vector<std::string>& folded, const std::string& behind,
                                                     std::size_t conversations_max) {
  auto rows = list(store, user, {ConversationsFrom::Order::made, behind}, conversations_max);
  if (!rows) return std::unexpected(rows.error());
  Slice out;
  if (rows->size() == conversations_max) out.next = rows->back().id;
  for (Conversation& row : *rows) {
    if (const auto excerpt = excerpt_with(row.title, folded)) {
      out.found.push_back({std::move(row), {}, *excerpt});
      continue;
    }
    auto all = messages(store, row);
    if (!all) return std::unexpected(all.error());
    for (const Message& message : *all) {
      out.bytes += message.content.size();
      const auto excerpt = excerpt_with(message.content, folded);
      if (!excerpt) continue;
      out.found.push_back({std::move(row), message.id, *excerpt});
      break;
    }
  }
  return out;
}

Expected<SealedMessage> Conversations::sealed(Store& store, const Conversation& of, const Message& row) {
  auto key = data_key(store, of.member);
  if (!key) return std::unexpected(key.error());
  auto content = crypto::seal(*key, row.content, content_of(of.id, row.id), random_);
  if (!content) return std::unexpected(content.error());
  Bytes reason;
  if (!row.rating_reason.empty()) {
    auto sealed_reason = crypto::seal(*key, row.rating_reason, reason_of(of.id, row.id), random_);
    if (!sealed_reason) return std::unexpected(sealed_reason.error());
    reason = std::move(*sealed_reason);
  }
  return SealedMessage{row.id,
                       of.id,
                       row.role,
                       row.state,
                       std::move(*content),
                       row.model,
                       row.request_id,
                       row.error_message,
                       row.error_message_da,
                       row.created_at,
                       row.parent,
                       row.limit,
                       row.input_tokens,
                       row.output_tokens,
                       row.rating,
                       std::move(reason)};
}

Expected<void> Conversations::add_message(Store& store, const Conversation& of, const Message& row) {
  auto out = sealed(store, of, row);
  return out ? store.add_message(*out) : std::unexpected(out.error());
}

Expected<void> Conversations::update_message(Store& store, const Conversation& of, const Message& row) {
  auto out = sealed(store, of, row);
  return out ? store.update_message(*out) : std::unexpected(out.error());
}

Expected<std::vector<Message>> Conversations::messages(Store& store, const Conversation& of) {
  auto rows = store.messages(of.id);
  if (!rows) return std::unexpected(rows.error());
  auto key = data_key(store, of.member);
  if (!key) return std::unexpected(key.error());
  std::vector<Message> out;
  for (SealedMessage& row : *rows) {
    auto content = unsealed(*key, row.content, content_of(of.id, row.id));
    if (!content) return std::unexpected(content.error());
    std::string reason;
    if (!row.rating_reason.empty()) {
      auto text = unsealed(*key, row.rating_reason, reason_of(of.id, row.id));
      if (!text) return std::unexpected(text.error());
      reason = std::move(*text);
    }
    out.push_back(Message{std::move(row.id), std::move(row.conversation), row.role, row.state, std::move(*content),
                          std::move(row.model), std::move(row.request_id), std::move(row.error_message),
                          std::move(row.error_message_da), row.created_at, std::move(row.parent), row.limit,
                          row.input_tokens, row.output_tokens, row.rating, std::move(reason)});
  }
  return out;
}

}  // namespace faelled::store
