// The directory's insides, shared by its files: what is known (directory.cpp), changes to members, users and keys
// (directory_changes.cpp), sign-in (directory_sessions.cpp) and start-up (directory_load.cpp).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "members/directory.hpp"

namespace faelled::members {

using crypto::Digest;
using store::SessionRow;
using store::Store;

struct Directory::Body : std::enable_shared_from_this<Directory::Body> {
  struct Key {
    KeyRow row;
    Caller caller;
  };
  struct SignedIn {
    SessionRow row;
    Caller caller;
  };

  Body(store::StoreThread& store_thread, Random& chance) : store(store_thread), random(chance) {}

  store::StoreThread& store;
  Random& random;
  std::map<std::string, MemberRow, std::less<>> members;
  std::map<std::string, UserRow, std::less<>> users;
  std::unordered_map<Digest, Key, crypto::DigestHash> keys;
  std::map<std::string, Digest, std::less<>> key_hashes;  // by key id
  std::unordered_map<Digest, SignedIn, crypto::DigestHash> sessions;
  WallTime next_sweep;

  void know(const KeyRow& row);
  void know(const SessionRow& row);  // nothing, where its user is gone
  void sweep(WallTime now);

  // Runs `job` on the store's thread; if that went well, `effect` with its result here, and then `then`. The body is
  // held weakly: an answer that comes after the directory's end has nothing to change.
  template <class T>
  void change(std::function<Expected<T>(Store&)> job, std::function<void(Body&, T&)> effect, Then<T> then) {
    store.ask(std::move(job), std::function<void(Expected<T>)>([weak = weak_from_this(), effect = std::move(effect),
                                                                then = std::move(then)](Expected<T> given) {
                const auto body = weak.lock();
                if (!body) return;
                if (given) effect(*body, *given);
                then(std::move(given));
              }));
  }

  // The error goes the same way as a result would: never from inside the call.
  template <class T>
  void refuse(Error error, Then<T> then) {
    store.ask([error = std::move(error)](Store&) { return Expected<T>(std::unexpected(error)); }, std::move(then));
  }
};

}  // namespace faelled::members
