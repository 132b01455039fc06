// The directory's insides, shared by its files: what is known (directory.cpp), changes to members and users
// (directory_changes.cpp) and keys (directory_keys.cpp), sign-in (directory_sessions.cpp) and start-up
// (directory_load.cpp).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "members/directory.hpp"

namespace faelled::members {

using crypto::Digest;
using store::SessionRow;
using store::Store;

struct Directory::Body : std::enable_shared_from_this<Directory::Body> {
  struct Key {
    KeyRow row;
    Caller caller;
    bool user_disabled = false;
  };
  struct SignedIn {
    SessionRow row;
    Caller caller;
  };

  Body(store::StoreThread& store_thread, Random& chance)
      : store(store_thread),
        random(chance),
        audit(store_thread, chance),
        agreements(chance, audit, [this](std::string_view id) { return members.contains(id); }) {}

  store::StoreThread& store;
  Random& random;
  Audit audit;
  Agreements agreements;
  std::map<std::string, MemberRow, std::less<>> members;
  std::map<std::string, UserRow, std::less<>> users;
  std::unordered_map<Digest, Key, crypto::DigestHash> keys;
  std::map<std::string, Digest, std::less<>> key_hashes;  // by key id
  std::unordered_map<Digest, SignedIn, crypto::DigestHash> sessions;
  std::map<std::string, std::set<std::string>, std::less<>> users_of;  // ids by member
  std::map<std::string, std::set<std::string>, std::less<>> keys_of;
  WallTime next_sweep;

  // Following other servers on the database (directory_follow.cpp).
  std::int64_t change_mark = 0;
  bool following = false;
  std::function<void(const store::Changes&)> told_of_others;
  bool read_again = false;      // memory and store may differ: something was not written, or perhaps was
  std::size_t taking_away = 0;  // what has effect here and is not written yet
  std::unordered_set<Digest, crypto::DigestHash> signed_out;  // whose row the store did not take away

  struct Loaded {
    std::vector<MemberRow> members;
    std::vector<UserRow> users;
    std::vector<KeyRow> keys;
    std::vector<SessionRow> sessions;
    std::int64_t change_mark = 0;
    Agreements::Loaded agreements = {};
  };
  static Expected<Loaded> read_all(Store& store, WallTime now);
  void know(const Loaded& rows);

  template <class T>
  static Expected<void> into(T& out, Expected<T> given) {
    if (!given) return std::unexpected(given.error());
    out = std::move(*given);
    return {};
  }

  void know(const UserRow& row);
  void forget_user(const std::string& id);
  // For meet(): `first`: the person was not known before.
  std::function<void(Expected<std::string> email)> met(const UserRow& row, bool first);
  void know(const KeyRow& row);
  void know(const SessionRow& row);  // nothing, where its user is gone
  void sweep(WallTime now);
  void seen(const std::string& user, WallTime now);
  void end_sessions(std::string_view user);
  void set_disabled(UserRow& user, std::optional<WallTime> when);  // its keys and sessions with it
  std::size_t admins(std::string_view member) const;
  const UserRow* owner_of(const KeyRow& key) const;       // nullptr: it is a system's
  Expected<void> check_unique(const UserRow& row) const;  // its email and external id. Errors: exists
  bool email_taken(const UserRow& row) const;             // by somebody else of its member
  void renew(const KeyRow& row);  // all that an act changes; a revocation or use that came meanwhile stays

  // An act that adds a row or changes one that is there. `effect` runs only while we are there: the Audit is ours.
  template <class T>
  void change(std::function<Expected<Deed<T>>()> decide, Then<T> then) {
    audit.carry_out<T>(std::move(decide), std::move(then));
  }

  // For what has effect before it is written: where it could not be written, `undo` takes the effect back.
  template <class T>
  Then<T> taking(std::function<void(Body&)> undo, Then<T> then) {
    ++taking_away;
    return [weak = weak_from_this(), undo = std::move(undo), then = std::move(then)](Expected<T> given) {
      const auto body = weak.lock();
      if (!body) return;
      --body->taking_away;
      if (!given) {
        body->read_again = true;
        undo(*body);
      }
      then(std::move(given));
    };
  }

  // The error goes the same way as a result would: never from inside the call.
  template <class T>
  void refuse(Error error, Then<T> then) {
    store.ask([error = std::move(error)](Store&) { return Expected<T>(std::unexpected(error)); }, std::move(then));
  }
};

}  // namespace faelled::members
