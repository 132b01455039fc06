#include "members/directory.hpp"

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

void Directory::Body::know(const KeyRow& row) {
  Caller caller{row.member, row.user.empty() ? row.id : row.user, row.id, row.user, row.show_waiting};
  key_hashes.insert_or_assign(row.id, row.hash);
  keys.insert_or_assign(row.hash, Key{row, std::move(caller)});
}

void Directory::Body::know(const SessionRow& row) {
  const auto user = users.find(row.user);
  if (user == users.end()) return;
  sessions.insert_or_assign(row.hash, SignedIn{row, Caller{user->second.member, row.user, {}, row.user}});
}

void Directory::Body::sweep(WallTime now) {
  if (now < next_sweep) return;
  next_sweep = now + sweep_every;
  std::erase_if(sessions, [&](const auto& entry) { return entry.second.row.expires_at <= now; });
  (void)store.post([now](Store& rows) { (void)rows.remove_expired(now); });  // the next sweep tries again
}

Authenticated Directory::authenticate(std::string_view secret, WallTime now) {
  if (secret.size() > secret_bytes_max) return std::unexpected(key_denial(DenialCause::unknown, {}));
  const auto found = body_->keys.find(crypto::sha256(secret));
  if (found == body_->keys.end()) return std::unexpected(key_denial(DenialCause::unknown, {}));
  KeyRow& row = found->second.row;
  if (row.revoked_at) return std::unexpected(key_denial(DenialCause::revoked, row.id));
  if (row.expires_at && *row.expires_at <= now) return std::unexpected(key_denial(DenialCause::expired, row.id));
  if (!row.last_used_at || now - *row.last_used_at >= limits::key_last_used_every) {
    row.last_used_at = now;
    (void)body_->store.post([id = row.id, now](Store& rows) { (void)rows.set_key_last_used(id, now); });
  }
  return found->second.caller;
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
  for (const auto& [id, row] : body_->users) {
    if (member.empty() || row.member == member) out.push_back(row);
  }
  return out;
}

std::vector<KeyRow> Directory::keys(std::string_view member) const {
  std::vector<KeyRow> out;
  for (const auto& [id, hash] : body_->key_hashes) {
    const KeyRow& row = body_->keys.at(hash).row;
    if (member.empty() || row.member == member) out.push_back(row);
  }
  return out;
}

std::optional<MemberRow> Directory::member(std::string_view id) const { return find_copy(body_->members, id); }
std::optional<UserRow> Directory::user(std::string_view id) const { return find_copy(body_->users, id); }

std::optional<KeyRow> Directory::key(std::string_view id) const {
  const auto hash = find_copy(body_->key_hashes, id);
  if (!hash) return std::nullopt;
  return body_->keys.at(*hash).row;
}

}  // namespace faelled::members
