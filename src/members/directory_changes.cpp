#include "base/ids.hpp"
#include "members/directory_body.hpp"
#include "members/names.hpp"

namespace faelled::members {
namespace {

constexpr std::size_t secret_bytes = 24;  // of chance

Error full(const char* what) {
  return {Errc::exhausted, std::string("there are too many ") + what, "remove some that nobody uses"};
}

Error absent(const char* what) { return {Errc::not_found, std::string("there is no such ") + what, {}}; }

template <class T>
std::function<Expected<T>(Store&)> adding(T row, Expected<void> (Store::*add)(const T&)) {
  return [row = std::move(row), add](Store& store) -> Expected<T> {
    if (auto added = (store.*add)(row); !added) return std::unexpected(added.error());
    return row;
  };
}

}  // namespace

void Directory::add_member(std::string id, std::string name, WallTime now, Then<MemberRow> then) {
  if (id.empty()) id = make_id("mem_", now, body_->random);
  if (auto ok = check_member_id(id); !ok) return body_->refuse(ok.error(), std::move(then));
  if (auto ok = check_name("the member's name", name); !ok) return body_->refuse(ok.error(), std::move(then));
  if (body_->members.contains(id)) {
    return body_->refuse(Error{Errc::exists, "there is a member " + id + " already", "choose another id"},
                         std::move(then));
  }
  if (body_->members.size() >= limits::members_max) return body_->refuse(full("members"), std::move(then));
  body_->change<MemberRow>(
      adding(MemberRow{std::move(id), std::move(name), now}, &Store::add_member),
      [](Body& body, MemberRow& row) { body.members.emplace(row.id, row); }, std::move(then));
}

void Directory::add_user(std::string member, std::string name, WallTime now, Then<UserRow> then) {
  if (!body_->members.contains(member)) return body_->refuse(absent("member"), std::move(then));
  if (auto ok = check_name("the user's name", name); !ok) return body_->refuse(ok.error(), std::move(then));
  if (body_->users.size() >= limits::users_max) return body_->refuse(full("users"), std::move(then));
  UserRow row{make_id("usr_", now, body_->random), std::move(member), std::move(name), now};
  body_->change<UserRow>(
      adding(std::move(row), &Store::add_user), [](Body& body, UserRow& added) { body.users.emplace(added.id, added); },
      std::move(then));
}

void Directory::add_key(std::string member, std::string user, std::string name, std::optional<WallTime> expires_at,
                        WallTime now, Then<NewKey> then) {
  if (!body_->members.contains(member)) return body_->refuse(absent("member"), std::move(then));
  if (!user.empty()) {
    const auto owner = body_->users.find(user);
    if (owner == body_->users.end() || owner->second.member != member) {
      return body_->refuse(absent("user"), std::move(then));
    }
  }
  if (auto ok = check_name("the key's name", name); !ok) return body_->refuse(ok.error(), std::move(then));
  if (expires_at && *expires_at <= now) {
    return body_->refuse(Error{Errc::invalid, "the key would have expired already", "choose a time to come"},
                         std::move(then));
  }
  if (body_->keys.size() >= limits::keys_max) return body_->refuse(full("keys"), std::move(then));
  NewKey key;
  key.secret = "sk-" + random_text(secret_bytes, body_->random);
  key.row.id = make_id("key_", now, body_->random);
  key.row.hash = crypto::sha256(key.secret);
  key.row.member = std::move(member);
  key.row.user = std::move(user);
  key.row.name = std::move(name);
  key.row.created_at = now;
  key.row.expires_at = expires_at;
  body_->change<NewKey>(
      [key = std::move(key)](Store& store) -> Expected<NewKey> {
        if (auto added = store.add_key(key.row); !added) return std::unexpected(added.error());
        return key;
      },
      [](Body& body, NewKey& added) { body.know(added.row); }, std::move(then));
}

void Directory::revoke_key(std::string_view id, WallTime now, Then<KeyRow> then) {
  const auto found = body_->key_hashes.find(id);
  if (found == body_->key_hashes.end()) return body_->refuse(absent("key"), std::move(then));
  // Here at once, before the store knows: what is taken away must not work for another moment.
  KeyRow& row = body_->keys.at(found->second).row;
  if (!row.revoked_at) row.revoked_at = now;
  row.revoked_by = store::RevokedBy::person;
  body_->change<KeyRow>(
      [row](Store& store) -> Expected<KeyRow> {
        if (auto updated = store.update_key(row); !updated) return std::unexpected(updated.error());
        return row;
      },
      [](Body&, KeyRow&) {}, std::move(then));
}

}  // namespace faelled::members
