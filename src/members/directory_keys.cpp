#include <algorithm>

#include "base/ids.hpp"
#include "base/names.hpp"
#include "members/directory_body.hpp"
#include "members/newer.hpp"
#include "members/rights.hpp"

namespace faelled::members {
namespace {

constexpr std::size_t secret_bytes = 24;  // of chance

std::unexpected<Error> absent(const char* what) {
  return fail(Errc::not_found, std::string("There is no such ") + what + ".");
}

// When a key made at `made` ends, as wished and as the policy lets it. The longest that is allowed, reckoned by a clock
// ahead of ours, is the longest that is allowed. Errors: invalid (in the past), forbidden.
Expected<std::optional<WallTime>> end_of(std::optional<WallTime> wished, WallTime made, WallTime now,
                                         const store::Policy& policy) {
  if (wished && *wished <= now)
    return about("expires_at", {Errc::invalid, "the key would have expired already", "choose a time to come"});
  if (!policy.key_days_max) return wished;
  const WallTime last = made + std::chrono::days(*policy.key_days_max);
  if (last <= now)
    return about("expires_at", {Errc::forbidden,
                                "Your organisation lets keys live for " + std::to_string(*policy.key_days_max) +
                                    " days at most, and this one is older.",
                                "Leave its end as it is, or make a new key."});
  if (!wished) return last;
  if (*wished > last + limits::clocks_apart_max)
    return about("expires_at",
                 {Errc::forbidden,
                  "Your organisation lets keys live for " + std::to_string(*policy.key_days_max) + " days at most.",
                  "Choose an earlier end."});
  return std::min(*wished, last);
}

Expected<void> check_models(const store::ModelList& models) {
  if (!models || models->size() <= limits::allowed_models_max) return {};
  return about("models", {Errc::invalid, "these are too many models",
                          "name at most " + std::to_string(limits::allowed_models_max)});
}

NewKey new_key(const Act& act, Random& random) {
  NewKey key;
  key.secret = "sk-" + random_text(secret_bytes, random);
  key.row.id = make_id("key_", act.at, random);
  key.row.hash = crypto::sha256(key.secret);
  key.row.created_at = act.at;
  return key;
}

Error full() { return {Errc::exhausted, "there are too many keys", "remove some that nobody uses"}; }

}  // namespace

void Directory::add_key(std::string member, std::string user, std::string name, std::optional<WallTime> expires_at,
                        Act act, Then<NewKey> then) {
  KeyWish wish;
  wish.member = std::move(member);
  wish.user = std::move(user);
  wish.name = std::move(name);
  wish.expires_at = expires_at;
  add_key(std::move(wish), std::move(act), std::move(then));
}

void Directory::add_key(KeyWish wish, Act act, Then<NewKey> then) {
  body_->change<NewKey>(
      [body = body_.get(), wish = std::move(wish), act]() -> Expected<Deed<NewKey>> {
        const auto member = body->members.find(wish.member);
        if (member == body->members.end()) return absent("member");
        const auto owner = body->users.find(wish.user);
        const bool unknown = owner == body->users.end() || owner->second.member != wish.member;
        if (!wish.user.empty() && unknown) return absent("user");
        const store::Policy& policy = member->second.policy;
        if (auto ok =
                may_make_key(act.by, wish.member, wish.user.empty() ? nullptr : &owner->second, policy.key_makers);
            !ok)
          return std::unexpected(ok.error());
        if (auto ok = check_name("the key's name", wish.name); !ok) return about("name", ok.error());
        if (auto ok = check_models(wish.models); !ok) return std::unexpected(ok.error());
        const auto end = end_of(wish.expires_at, act.at, act.at, policy);
        if (!end) return std::unexpected(end.error());
        if (body->keys.size() >= limits::keys_max) return std::unexpected(full());
        NewKey key = new_key(act, body->random);
        key.row.member = wish.member;
        key.row.user = wish.user;
        key.row.name = wish.name;
        key.row.expires_at = *end;
        key.row.models = wish.models;
        key.row.show_waiting = wish.show_waiting;
        store::AuditRow row = body->audit.row(act, "key.create", {key.row.id, wish.member}, {}, made(key.row));
        return Deed<NewKey>{[key](Store& store) -> Expected<NewKey> {
                              if (auto added = store.add_key(key.row); !added) return std::unexpected(added.error());
                              return key;
                            },
                            std::move(row), [body](NewKey& added) { body->know(added.row); }};
      },
      std::move(then));
}

void Directory::update_key(std::string id, KeyChange change, Act act, Then<KeyRow> then) {
  body_->change<KeyRow>(
      [body = body_.get(), id = std::move(id), change = std::move(change), act]() -> Expected<Deed<KeyRow>> {
        const auto hash = body->key_hashes.find(id);
        if (hash == body->key_hashes.end()) return absent("key");
        const KeyRow before = body->keys.at(hash->second).row;
        if (auto ok = may_change_key(act.by, before); !ok) return std::unexpected(ok.error());
        if (before.revoked_at) return fail(Errc::conflict, "This key is revoked.", "Make a new one.");
        const store::Policy& policy = body->members.at(before.member).policy;
        // What a key may and how long is for those who could make it so, or the policy holds of new keys alone.
        if (change.models || change.expires_at) {
          if (before.has_ended(act.at)) return fail(Errc::conflict, "This key works no longer.", "Make a new one.");
          if (auto ok = may_make_key(act.by, before.member, body->owner_of(before), policy.key_makers); !ok)
            return std::unexpected(ok.error());
        }
        if (auto ok = check_models(change.models.value_or(std::nullopt)); !ok) return std::unexpected(ok.error());
        KeyRow row = before;
        if (change.name) {
          if (auto ok = check_name("the key's name", *change.name); !ok) return about("name", ok.error());
          row.name = *change.name;
        }
        if (change.models) row.models = *change.models;
        if (change.show_waiting) row.show_waiting = *change.show_waiting;
        if (change.expires_at) {
          const auto end = end_of(*change.expires_at, row.created_at, act.at, policy);
          if (!end) return std::unexpected(end.error());
          // A key that was rotated has been given its end: it may come sooner, not later.
          if (!row.replaced_by.empty() && (!*end || (row.expires_at && **end > *row.expires_at)))
            return fail(Errc::conflict, "This key was rotated and ends as it was then decided.", "Use the new one.");
          row.expires_at = *end;
        }
        return Deed<KeyRow>{
            [row, before, mark = body->change_mark](Store& store) -> Expected<KeyRow> {
              if (auto same = unchanged(store, mark, before); !same) return std::unexpected(same.error());
              if (auto updated = store.update_key(row); !updated) return std::unexpected(updated.error());
              return row;
            },
            body->audit.row(act, "key.update", {id, row.member}, Snapshot::of(before), Snapshot::of(row)),
            [body](KeyRow& updated) { body->renew(updated); }};
      },
      std::move(then));
}

void Directory::rotate_key(std::string id, WallTime old_until, std::optional<WallTime> expires_at, Act act,
                           Then<NewKey> then) {
  body_->change<NewKey>(
      [body = body_.get(), id = std::move(id), old_until, expires_at, act]() -> Expected<Deed<NewKey>> {
        const auto hash = body->key_hashes.find(id);
        if (hash == body->key_hashes.end()) return absent("key");
        const KeyRow before = body->keys.at(hash->second).row;
        if (auto ok = may_change_key(act.by, before); !ok) return std::unexpected(ok.error());
        if (before.revoked_at || before.has_ended(act.at))
          return fail(Errc::conflict, "This key works no longer.", "Make a new one.");
        if (!before.replaced_by.empty())
          return fail(Errc::conflict, "This key was rotated already.", "Rotate the new one.");
        if (before.origin == store::KeyOrigin::config)
          return fail(Errc::conflict, "This key stands in the configuration file.", "Change it there.");
        const store::Policy& policy = body->members.at(before.member).policy;
        if (auto ok = may_make_key(act.by, before.member, body->owner_of(before), policy.key_makers); !ok)
          return std::unexpected(ok.error());
        if (old_until < act.at || old_until > act.at + limits::key_overlap_max + limits::clocks_apart_max)
          return about("old_works_until",
                       {Errc::invalid, "The old key may go on for 90 days at most.", "Choose an earlier end for it."});
        // As long a life as the old one had, where nothing else is wished.
        std::optional<WallTime> wished = expires_at;
        if (!wished && before.expires_at) wished = act.at + (*before.expires_at - before.created_at);
        if (!expires_at && wished && policy.key_days_max)
          wished = std::min(*wished, act.at + std::chrono::days(*policy.key_days_max));
        const auto end = end_of(wished, act.at, act.at, policy);
        if (!end) return std::unexpected(end.error());
        if (body->keys.size() >= limits::keys_max) return std::unexpected(full());
        NewKey key = new_key(act, body->random);
        KeyRow old = before;
        old.replaced_by = key.row.id;
        old.expires_at = std::min(old_until, act.at + limits::key_overlap_max);
        if (before.expires_at) old.expires_at = std::min(*old.expires_at, *before.expires_at);
        key.row.member = before.member;
        key.row.user = before.user;
        key.row.name = before.name;
        key.row.models = before.models;
        key.row.show_waiting = before.show_waiting;
        key.row.front_end = before.front_end;
        key.row.rotated_from = before.id;
        key.row.expires_at = *end;
        const auto [was, is] = differences(Snapshot::of(before), Snapshot::of(old));
        return Deed<NewKey>{[key, old, before, mark = body->change_mark](Store& store) -> Expected<NewKey> {
                              if (auto same = unchanged(store, mark, before); !same)
                                return std::unexpected(same.error());
                              if (auto added = store.add_key(key.row); !added) return std::unexpected(added.error());
                              if (auto updated = store.update_key(old); !updated)
                                return std::unexpected(updated.error());
                              return key;
                            },
                            body->audit.row(act, "key.rotate", {id, before.member}, was, is),
                            [body, old](NewKey& added) {
                              body->know(added.row);
                              body->renew(old);
                            }};
      },
      std::move(then));
}

void Directory::revoke_key(std::string_view id, Act act, Then<KeyRow> then) {
  const auto found = body_->key_hashes.find(id);
  if (found == body_->key_hashes.end()) return body_->refuse(absent("key").error(), std::move(then));
  KeyRow& known = body_->keys.at(found->second).row;
  if (auto ok = may_change_key(act.by, known); !ok) return body_->refuse(ok.error(), std::move(then));
  const KeyRow before = known;
  // Here at once, before the store knows: what is taken away must not work for another moment.
  if (!known.revoked_at) known.revoked_at = act.at;
  known.revoked_by = store::RevokedBy::person;
  const auto undo = [before](Body& body) {
    const auto here = body.keys.find(before.hash);
    if (here == body.keys.end()) return;
    here->second.row.revoked_at = before.revoked_at;
    here->second.row.revoked_by = before.revoked_by;
  };
  then = body_->taking<KeyRow>(undo, std::move(then));
  body_->change<KeyRow>(
      [body = body_.get(), before, id = known.id, act]() -> Expected<Deed<KeyRow>> {
        const KeyRow row = body->keys.at(body->key_hashes.at(id)).row;
        return Deed<KeyRow>{
            [row, mark = body->change_mark](Store& store) -> Expected<KeyRow> {
              KeyRow revoked = row;
              // With what another server made of it meanwhile: taking away goes before everything.
              auto now = newer_key(store, mark, row.id);
              if (!now) return std::unexpected(now.error());
              if (*now) {
                revoked = std::move(**now);
                revoked.revoked_at = revoked.revoked_at.value_or(*row.revoked_at);
                revoked.revoked_by = row.revoked_by;
              }
              if (auto updated = store.update_key(revoked); !updated) return std::unexpected(updated.error());
              return revoked;
            },
            body->audit.row(act, "key.revoke", {id, row.member}, Snapshot::of(before), Snapshot::of(row)),
            {}};
      },
      std::move(then));
}

}  // namespace faelled::members
