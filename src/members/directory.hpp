// Directory: members, their users, keys and sessions, all in memory, so that knowing a caller costs a hash and a
// look-up and goes on when the store does not answer. Owned by main(), lives on the event loop. A change is made
// durable on the store's thread first and then takes effect here; only taking something away takes effect at once.
// Secrets are known as SHA-256 alone; the caller of add_key() and friends sees the secret once.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "members/caller.hpp"
#include "store/rows.hpp"
#include "store/store_thread.hpp"

namespace faelled::members {

using store::KeyRow;
using store::MemberRow;
using store::UserRow;

// A key as the configuration gives it, secret in clear.
struct ConfiguredKey {
  std::string member;  // made if absent
  std::string name;
  std::string secret;
  std::string user = {};  // the person whose key it is, made if absent; empty: the member's own
  store::ShowWaiting show_waiting = store::ShowWaiting::off;
};

struct NewKey {
  KeyRow row;
  std::string secret;  // "sk-" + 39 characters; shown once, stored nowhere
};

struct SignInLink {
  std::string token;  // goes behind the # of the sign-in address; works once
  WallTime expires_at;
};

struct Session {
  std::string token;  // the cookie's value; empty when read back with session()
  UserRow user;
  MemberRow member;
  WallTime expires_at;
};

class Directory {
 public:
  template <class T>
  using Then = std::function<void(Expected<T>)>;

  Directory(store::StoreThread& store, Random& random);
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // Start-up, blocking: reads all into memory and brings the configured keys in. A configured key that was there before
  // stays the same key; one that left the configuration is revoked, and back when it returns; one that a person revoked
  // stays revoked. Errors: invalid (a bad name or a short secret, says which), and the store's.
  Expected<void> load(std::span<const ConfiguredKey> configured, WallTime now);

  // Start-up, blocking: the member or user, made if absent (for the first sign-in link and `run`).
  Expected<MemberRow> ensure_member(const std::string& id, const std::string& name, WallTime now);
  Expected<UserRow> ensure_user(const std::string& member, const std::string& name, WallTime now);

  // Who holds this secret (an API key)? About a microsecond; remembers the use.
  Authenticated authenticate(std::string_view secret, WallTime now);
  // Who holds this session token?
  Authenticated authenticate_session(std::string_view token, WallTime now) const;

  // Copies, ordered by id; a few thousand rows.
  std::vector<MemberRow> members() const;
  std::vector<UserRow> users(std::string_view member) const;
  std::vector<KeyRow> keys(std::string_view member = {}) const;  // empty: all
  std::optional<MemberRow> member(std::string_view id) const;
  std::optional<UserRow> user(std::string_view id) const;
  std::optional<KeyRow> key(std::string_view id) const;

  // `id` empty: one is made. Errors: invalid (name or id), exists, exhausted, and the store's.
  void add_member(std::string id, std::string name, WallTime now, Then<MemberRow> then);
  // Errors: not_found (member), invalid, exhausted.
  void add_user(std::string member, std::string name, WallTime now, Then<UserRow> then);
  // `user` empty: the key belongs to the member. Errors: not_found, invalid (name, expiry in the past), exhausted.
  void add_key(std::string member, std::string user, std::string name, std::optional<WallTime> expires_at, WallTime now,
               Then<NewKey> then);
  // Effective when the call returns; `then` says that it is durable too. Errors: not_found. Again: no error.
  void revoke_key(std::string_view id, WallTime now, Then<KeyRow> then);

  // Users and keys of another gateway, with the ids they came with, all or none. Errors: the store's.
  void take_in(std::vector<UserRow> users, std::vector<KeyRow> keys, Then<void> then);

  // A person whom a trusted front end names, with an id that follows from who they are (derived_ids.hpp). Known when
  // the call returns, so that nobody waits for the store, nor for one that is away; kept as soon as it answers, and
  // tried again at the next meeting where it refused. Somebody known is only seen: their name and e-mail become the
  // row's.
  void meet(store::UserRow row, WallTime now);

  // Errors: not_found (user).
  void add_sign_in_link(std::string_view user, WallTime now, Then<SignInLink> then);
  // Errors: unauthorized (unknown, used or expired: one text for all), exhausted.
  void sign_in(std::string_view link_token, WallTime now, Then<Session> then);
  // Errors: unauthorized.
  Expected<Session> session(std::string_view token, WallTime now) const;
  // Effective when the call returns. Unknown token: no error.
  void sign_out(std::string_view token, Then<void> then);

 private:
  struct Body;
  std::shared_ptr<Body> body_;  // shared with nobody for long: answers under way hold it weakly
};

}  // namespace faelled::members
