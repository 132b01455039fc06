// Directory: members, their users, keys and sessions, all in memory, so that knowing a caller costs a hash and a
// look-up and goes on when the store does not answer. Owned by main(), lives on the event loop. A change is an act: it
// goes through the Audit, is made durable on the store's thread together with its row, and then takes effect here; only
// taking something away takes effect at once. Rights are looked at here too (rights.hpp): what `act.by` may not is
// forbidden, and what it may not know of is not_found. Secrets are known as SHA-256 alone; the caller of add_key() and
// friends sees the secret once.
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
#include "members/act.hpp"
#include "members/agreements.hpp"
#include "members/audit.hpp"
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
  std::string member_name = {};  // where it is made; empty: its id
};

struct NewUser {
  std::string name;
  store::Role role = store::Role::user;
  std::string email = {};      // empty: none
  std::string front_end = {};  // that makes it known; empty: made here
  std::string external_id = {};
};

// What is absent stays as it is.
struct UserChange {
  std::optional<std::string> name = {};
  std::optional<std::string> email = {};
  std::optional<store::Role> role = {};
  std::optional<bool> disabled = {};
};

struct PolicyChange {
  std::optional<store::ModelList> models = {};
  std::optional<std::optional<std::uint32_t>> retention_days = {};
  std::optional<store::ConversationPlace> conversations = {};
  std::optional<std::optional<std::uint32_t>> key_days_max = {};
  std::optional<store::KeyMakers> key_makers = {};

  store::Policy applied_to(store::Policy policy) const;
};

struct MemberChange {
  std::optional<std::string> name = {};
  std::optional<std::string> contact = {};
  PolicyChange policy = {};
};

struct KeyWish {
  std::string member;
  std::string user = {};  // empty: the key is a system's of the member
  std::string name;
  std::optional<WallTime> expires_at = {};  // absent: the last that the policy lets it, or never
  store::ModelList models = {};
  store::ShowWaiting show_waiting = store::ShowWaiting::off;
};

struct KeyChange {
  std::optional<std::string> name = {};
  std::optional<store::ModelList> models = {};
  std::optional<store::ShowWaiting> show_waiting = {};
  std::optional<std::optional<WallTime>> expires_at = {};
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
  Expected<MemberRow> ensure_member(const std::string& id, const std::string& name, Act act);
  Expected<UserRow> ensure_user(const std::string& member, const std::string& name, Act act);

  // Who holds this secret (an API key)? About a microsecond; remembers the use.
  Authenticated authenticate(std::string_view secret, WallTime now);
  // Who holds this session token?
  Authenticated authenticate_session(std::string_view token, WallTime now) const;

  // May who came with this key (empty: by a session), for this user (empty: for none), still ask? Both by their ids.
  bool stands(std::string_view key, std::string_view user, WallTime now) const;

  // May this caller ask for the model? False where the member's policy or the key leaves it out.
  bool allows(const Caller& caller, std::string_view model, WallTime at) const;

  // Takes in what other servers on the same database have changed; asked every limits::store_follow_every. One question
  // at a time; while the store is away nothing changes here.
  void follow(WallTime now);
  // Told at each of these what has changed, by whomever: for whoever else keeps something of the store in memory.
  void on_followed(std::function<void(const store::Changes&)> told);

  // Copies, ordered by id; a few thousand rows.
  std::vector<MemberRow> members() const;
  std::size_t member_count() const;  // none is ever removed
  std::vector<UserRow> users(std::string_view member) const;
  std::size_t user_count(std::string_view member) const;
  std::vector<KeyRow> keys(std::string_view member = {}) const;  // empty: all
  std::optional<MemberRow> member(std::string_view id) const;
  std::optional<UserRow> user(std::string_view id) const;
  std::optional<KeyRow> key(std::string_view id) const;

  // How many of the member can sign in as its administrators.
  std::size_t admins(std::string_view member) const;

  // Errors of all acts: forbidden and not_found (see above), invalid, exhausted, and the store's; more at each.
  // `id` empty: one is made. Errors: exists.
  void add_member(std::string id, std::string name, Act act, Then<MemberRow> then);
  void update_member(std::string id, MemberChange change, Act act, Then<MemberRow> then);
  // Errors: exists (email or external id).
  void add_user(std::string member, NewUser user, Act act, Then<UserRow> then);
  void add_user(std::string member, std::string name, Act act, Then<UserRow> then);
  // A disabled user's keys and sessions stop when the call returns. Errors: exists (email).
  void update_user(std::string id, UserChange change, Act act, Then<UserRow> then);
  void add_key(KeyWish wish, Act act, Then<NewKey> then);
  void add_key(std::string member, std::string user, std::string name, std::optional<WallTime> expires_at, Act act,
               Then<NewKey> then);
  // Errors: conflict (revoked).
  void update_key(std::string id, KeyChange change, Act act, Then<KeyRow> then);
  // A new key like the old one, which goes on until `old_until`, its own end or limits::key_overlap_max, whichever is
  // first. Errors: conflict (revoked, expired or rotated already; of the configuration or a front end).
  void rotate_key(std::string id, WallTime old_until, std::optional<WallTime> expires_at, Act act, Then<NewKey> then);
  // Effective when the call returns; `then` says that it is durable too, and an error takes it back. Again: no error.
  void revoke_key(std::string_view id, Act act, Then<KeyRow> then);

  // Users and keys of another gateway, with the ids they came with, all or none. Errors: the store's.
  void take_in(std::vector<UserRow> users, std::vector<KeyRow> keys, Act act, Then<void> then);

  // A person whom a trusted front end names, with an id that follows from who they are (derived_ids.hpp). Known when
  // the call returns, so that nobody waits for the store, nor for one that is away; kept as soon as it answers, and
  // tried again at the next meeting where it refused. Somebody known is only seen: their name and e-mail become the
  // row's.
  void meet(store::UserRow row, WallTime now);

  // Errors: conflict (the user is disabled).
  void add_sign_in_link(std::string_view user, Act act, Then<SignInLink> then);
  // Errors: unauthorized (unknown, used or expired: one text for all), exhausted.
  void sign_in(std::string_view link_token, WallTime now, Then<Session> then);
  // Errors: unauthorized. Remembers that its user is here.
  Expected<Session> session(std::string_view token, WallTime now);
  // Effective when the call returns, and for good: where it cannot be written now, it is later. Unknown token: no
  // error.
  void sign_out(std::string_view token, Then<void> then);

  // For acts of other kinds, and for those that were refused before they came here.
  Audit& audit();
  // What members are promised; loaded and followed with all else.
  Agreements& agreements();

  struct Body;

 private:
  std::shared_ptr<Body> body_;  // shared with nobody for long: answers under way hold it weakly
};

}  // namespace faelled::members
