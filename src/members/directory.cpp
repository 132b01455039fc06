#include "members/directory.hpp"

#include <algorithm>

#include "members/directory_body.hpp"

namespace faelled::members {
namespace {

constexpr std::size_t secret_bytes_max = 512;
constexpr auto sweep_every = std::chrono::minutes(10);

Denial key_denial(DenialCause cause, std::string key) {
  Denial out;
  out.code = Errc::unauthorized;
  out.message = "Incorrect API key provided.";
  out.hint = "Send a valid key of this server as `Authorization: Bearer sk-…`.";
  out.cause = cause;
  out.key = std::move(key);
  return out;
}

Denial session_denial(DenialCause cause, std::string user) {
  Denial out;
  out.code = Errc::unauthorized;
  out.message = "You are not signed in.";
  out.hint = "Open a new sign-in link.";
  out.cause = cause;
  out.key = std::move(user);
  return out;
}

template <class Map>
auto find_copy(const Map& map, std::string_view id) -> std::optional<typename Map::mapped_type> {
  const auto found = map.find(id);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

}  // namespace

Directory::Directory(store::StoreThread& store, Random& random) : body_(std::make_shared<Body>(store, random)) {}
Directory::~Directory() = default;

void Directory::Body::know(const UserRow& row) {
  users.insert_or_assign(row.id, row);
  users_of[row.member].insert(row.id);
}

void Directory::Body::forget_user(const std::string& id) {
  const auto found = users.find(id);
  if (found == users.end()) return;
  users_of[found->second.member].erase(id);
  users.erase(found);
}

void Directory::Body::know(const KeyRow& row) {
  Caller caller{row.member, row.user.empty() ? row.id : row.user, row.id, row.user, row.show_waiting};
  const auto user = users.find(row.user);
  const bool disabled = user != users.end() && user->second.disabled_at;
  if (const auto before = key_hashes.find(row.id); before != key_hashes.end()) {
    if (const auto known = keys.find(before->second); known != keys.end())
      keys_of[known->second.row.member].erase(row.id);
  }
  key_hashes.insert_or_assign(row.id, row.hash);
  keys_of[row.member].insert(row.id);
  keys.insert_or_assign(row.hash, Key{row, std::move(caller), disabled});
}

void Directory::Body::renew(const KeyRow& row) {
  Key& key = keys.at(key_hashes.at(row.id));
  KeyRow& here = key.row;
  KeyRow next = row;
  next.last_used_at = here.last_used_at;
  next.revoked_at = here.revoked_at;
  next.revoked_by = here.revoked_by;
  here = std::move(next);
  key.caller.show_waiting = here.show_waiting;
}

void Directory::Body::know(const SessionRow& row) {
  const auto user = users.find(row.user);
  if (user == users.end() || user->second.disabled_at) return;
  sessions.insert_or_assign(row.hash, SignedIn{row, Caller{user->second.member, row.user, {}, row.user}});
}

void Directory::Body::sweep(WallTime now) {
  if (now < next_sweep) return;
  next_sweep = now + sweep_every;
  std::erase_if(sessions, [&](const auto& entry) { return entry.second.row.expires_at <= now; });
  (void)store.post([now](Store& rows) { (void)rows.remove_expired(now); });  // the next sweep tries again
}

void Directory::Body::seen(const std::string& user, WallTime now) {
  const auto found = users.find(user);
  if (found == users.end()) return;
  std::optional<WallTime>& last = found->second.last_seen_at;
  if (last && now - *last < limits::key_last_used_every) return;
  last = now;
  (void)store.post([user, now](Store& rows) { (void)rows.set_user_last_seen(user, now); });
}

void Directory::Body::end_sessions(std::string_view user) {
  std::erase_if(sessions, [&](const auto& entry) { return entry.second.row.user == user; });
}

void Directory::Body::set_disabled(UserRow& user, std::optional<WallTime> when) {
  user.disabled_at = when;
  if (when) end_sessions(user.id);
  for (const std::string& id : keys_of[user.member]) {
    Key& key = keys.at(key_hashes.at(id));
    if (key.row.user == user.id) key.user_disabled = when.has_value();
  }
}

std::size_t Directory::Body::admins(std::string_view member) const {
  const auto ids = users_of.find(member);
  if (ids == users_of.end()) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(ids->second, [&](const std::string& id) {
    const UserRow& user = users.at(id);
    return user.role == store::Role::member_admin && !user.disabled_at;
  }));
}

const UserRow* Directory::Body::owner_of(const KeyRow& key) const {
  const auto found = users.find(key.user);
  return found == users.end() ? nullptr : &found->second;
}

Authenticated Directory::authenticate(std::string_view secret, WallTime now) {
  if (secret.size() > secret_bytes_max) return std::unexpected(key_denial(DenialCause::unknown, {}));
  const auto found = body_->keys.find(crypto::sha256(secret));
  if (found == body_->keys.end()) return std::unexpected(key_denial(DenialCause::unknown, {}));
  KeyRow& row = found->second.row;
  if (row.revoked_at) return std::unexpected(key_denial(DenialCause::revoked, row.id));
  if (found->second.user_disabled) return std::unexpected(key_denial(DenialCause::disabled, row.id));
  if (row.has_ended(now)) return std::unexpected(key_denial(DenialCause::expired, row.id));
  if (!row.last_used_at || now - *row.last_used_at >= limits::key_last_used_every) {
    row.last_used_at = now;
    (void)body_->store.post([id = row.id, now](Store& rows) { (void)rows.set_key_last_used(id, now); });
    if (!row.user.empty()) body_->seen(row.user, now);
  }
  return found->second.caller;
}

bool Directory::stands(std::string_view key, std::string_view user, WallTime now) const {
  if (!key.empty()) {
    const auto hash = body_->key_hashes.find(key);
    if (hash == body_->key_hashes.end()) return false;
    const Body::Key& held = body_->keys.at(hash->second);
    if (held.row.revoked_at || held.user_disabled || held.row.has_ended(now)) return false;
  }
  if (user.empty()) return true;
  const auto found = body_->users.find(user);
  return found != body_->users.end() && !found->second.disabled_at;
}

Authenticated Directory::authenticate_session(std::string_view token, WallTime now) const {
  if (token.size() > secret_bytes_max) return std::unexpected(session_denial(DenialCause::unknown, {}));
  const auto found = body_->sessions.find(crypto::sha256(token));
  if (found == body_->sessions.end()) return std::unexpected(session_denial(DenialCause::unknown, {}));
  const SessionRow& row = found->second.row;
  if (row.expires_at <= now) return std::unexpected(session_denial(DenialCause::expired, row.user));
  return found->second.caller;
}

std::vector<MemberRow> Directory::members() const {
  std::vector<MemberRow> out;
  for (const auto& [id, row] : body_->members) out.push_back(row);
  return out;
}

std::vector<UserRow> Directory::users(std::string_view member) const {
  std::vector<UserRow> out;
  if (member.empty()) {
    for (const auto& [id, row] : body_->users) out.push_back(row);
  } else if (const auto ids = body_->users_of.find(member); ids != body_->users_of.end()) {
    for (const std::string& id : ids->second) out.push_back(body_->users.at(id));
  }
  return out;
}

std::size_t Directory::user_count(std::string_view member) const {
  const auto ids = body_->users_of.find(member);
  return ids == body_->users_of.end() ? 0 : ids->second.size();
}

std::vector<KeyRow> Directory::keys(std::string_view member) const {
  std::vector<KeyRow> out;
  if (member.empty()) {
    for (const auto& [id, hash] : body_->key_hashes) out.push_back(body_->keys.at(hash).row);
  } else if (const auto ids = body_->keys_of.find(member); ids != body_->keys_of.end()) {
    for (const std::string& id : ids->second) out.push_back(body_->keys.at(body_->key_hashes.at(id)).row);
  }
  return out;
}

std::size_t Directory::admins(std::string_view member) const { return body_->admins(member); }
Audit& Directory::audit() { return body_->audit; }
Agreements& Directory::agreements() { return body_->agreements; }

bool Directory::allows(const Caller& caller, std::string_view model, WallTime at) const {
  const auto in = [model](const store::ModelList& list) {
    return !list || std::ranges::find(*list, model) != list->end();
  };
  const auto member = body_->members.find(caller.member);
  if (member == body_->members.end() || !in(member->second.policy.models)) return false;
  if (!body_->agreements.allows(caller.member, model, at)) return false;
  if (caller.key.empty()) return true;
  const auto hash = body_->key_hashes.find(caller.key);
  return hash != body_->key_hashes.end() && in(body_->keys.at(hash->second).row.models);
}

std::size_t Directory::member_count() const { return body_->members.size(); }
std::optional<MemberRow> Directory::member(std::string_view id) const { return find_copy(body_->members, id); }
std::optional<UserRow> Directory::user(std::string_view id) const { return find_copy(body_->users, id); }

std::optional<KeyRow> Directory::key(std::string_view id) const {
  const auto hash = find_copy(body_->key_hashes, id);
  if (!hash) return std::nullopt;
  return body_->keys.at(*hash).row;
}

}  // namespace faelled::members
