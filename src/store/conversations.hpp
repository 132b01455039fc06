// Conversations: the words of the page's users, in plain text for the portal and sealed in the store. Every member has
// a data key of its own, wrapped with the master key. All calls on the store's thread (from inside StoreThread::ask).
// Errors: not_found (no such conversation of this user), io (does not open: another master key, or changed bytes).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "crypto/seal.hpp"
#include "store/store.hpp"

namespace faelled::store {

struct Conversation {
  std::string id;
  std::string user;
  std::string member;
  std::string model;
  std::string title;
  WallTime created_at;
  WallTime updated_at;
  std::string leaf = {};  // message that the branch last read ends with; empty: the newest
  bool operator==(const Conversation&) const = default;
};

struct Message {
  std::string id;
  std::string conversation;
  MessageRole role = MessageRole::user;
  MessageState state = MessageState::done;
  std::string content;
  std::string model;
  std::string request_id;
  std::string error_message;
  std::string error_message_da;
  WallTime created_at;
  std::string parent = {};
  MessageLimit limit = MessageLimit::none;
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
  Rating rating = Rating::none;
  std::string rating_reason = {};
  bool operator==(const Message&) const = default;
};

class Conversations {
 public:
  // Reads DATA/master.key, or makes it where nothing is sealed yet. Errors: those of crypto::read_master_key, and
  // not_found where sealed words are there and the key is not (restore it from the backup).
  static Expected<crypto::SealKey> master_key(const std::filesystem::path& file, Store& store, Random& random);

  explicit Conversations(const crypto::SealKey& master) : master_(master) {}

  Expected<void> add(Store& store, const Conversation& row);
  Expected<Conversation> get(Store& store, const std::string& user, const std::string& id);
  Expected<std::vector<Conversation>> list(Store& store, const std::string& user, const ConversationsFrom& from,
                                           std::size_t limit);
  Expected<void> update(Store& store, const Conversation& row);  // title, model, updated_at, leaf
  // Last deleted first; at most limits::conversations_page_max.
  Expected<std::vector<std::pair<Conversation, WallTime>>> deleted(Store& store, const std::string& user);

  // One slice of a search, newest conversation first: every word of `folded` is in the title, or all are in one
  // message. See word_search.hpp.
  struct Found {
    Conversation conversation;
    std::string message;  // where the words are; empty: in the title
    std::string excerpt;  // around the first of them
  };
  struct Slice {
    std::vector<Found> found;
    std::string next;       // the id that the next slice begins behind; empty: that was all
    std::size_t bytes = 0;  // read in this slice
  };
  Expected<Slice> search(Store& store, const std::string& user, const std::vector<std::string>& folded,
                         const std::string& behind, std::size_t conversations_max);

  // `of`: the conversation the message belongs to (its id and member are used).
  Expected<void> add_message(Store& store, const Conversation& of, const Message& row);
  Expected<void> update_message(Store& store, const Conversation& of, const Message& row);
  Expected<std::vector<Message>> messages(Store& store, const Conversation& of);

 private:
  Expected<crypto::SealKey> data_key(Store& store, const std::string& member);
  Expected<SealedConversation> sealed(Store& store, const Conversation& row);
  Expected<SealedMessage> sealed(Store& store, const Conversation& of, const Message& row);

  crypto::SealKey master_;
  SystemRandom random_;                            // nonces and data keys
  std::map<std::string, crypto::SealKey> opened_;  // by member; at most limits::members_max
  std::uint64_t rolled_back_ = 0;                  // see Store
};

}  // namespace faelled::store
