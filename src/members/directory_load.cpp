#include <algorithm>
#include <functional>
#include <set>

#include "base/ids.hpp"
#include "base/names.hpp"
#include "members/directory_body.hpp"

namespace faelled::members {
namespace {

constexpr std::size_t configured_secret_bytes_min = 16;

Expected<void> check(const ConfiguredKey& key) {
  if (auto ok = check_name("a configured key's name", key.name); !ok) return ok;
  if (auto ok = check_member_id(key.member); !ok) {
    return fail(Errc::invalid,
                "the configured key " + key.name + " names the member \"" + key.member + "\", which is no id",
                ok.error().hint);
  }
  const bool printable = std::ranges::all_of(key.secret, [](char c) { return c > ' ' && c < 0x7F; });
  if (key.secret.size() >= configured_secret_bytes_min && printable) return {};
  return fail(Errc::invalid, "the secret of the configured key " + key.name + " is too short or has odd characters",
              "use sk- and at least 32 random letters and digits");
}

// The store's keys as the configuration wants them. Each change is written and made in `keys` as well.
class ConfiguredKeys {
 public:
  using Loaded = Directory::Body::Loaded;

  ConfiguredKeys(Store& store, Loaded& loaded, Random& random, Audit& audit, WallTime now)
      : store_(store), loaded_(loaded), random_(random), audit_(audit), now_(now) {}

  Expected<void> take_in(std::span<const ConfiguredKey> configured) {
    std::set<Digest> wanted;
    for (const ConfiguredKey& key : configured) {
      if (auto ok = check(key); !ok) return ok;
      const Digest hash = crypto::sha256(key.secret);
      if (!wanted.insert(hash).second) {
        return fail(Errc::invalid, "the configured key " + key.name + " has the secret of another one",
                    "give each key a secret of its own");
      }
      if (auto ok = ensure_member(key.member, key.member_name); !ok) return ok;
      auto user = user_of(key);
      if (!user) return std::unexpected(user.error());
      if (auto ok = take_in(key, hash, *user); !ok) return ok;
    }
    for (KeyRow& row : loaded_.keys) {
      if (row.origin != store::KeyOrigin::config || row.revoked_at || wanted.contains(row.hash)) continue;
      const KeyRow before = row;
      row.revoked_at = now_;
      row.revoked_by = store::RevokedBy::config;
      if (auto ok = store_.update_key(row); !ok) return ok;
      if (auto ok = changed("key.revoke", before, row); !ok) return ok;
    }
    return {};
  }

 private:
  Expected<void> ensure_member(const std::string& id, const std::string& name) {
    if (std::ranges::find(loaded_.members, id, &MemberRow::id) != loaded_.members.end()) return {};
    const MemberRow& row = loaded_.members.emplace_back(MemberRow{id, name.empty() ? id : name, now_});
    if (auto ok = store_.add_member(row); !ok) return ok;
    return made("member.create", {id, id}, row);
  }

  // The id of the person, or nothing where the key is the member's own.
  Expected<std::string> user_of(const ConfiguredKey& key) {
    if (key.user.empty()) return std::string();
    for (const UserRow& row : loaded_.users)
      if (row.member == key.member && row.name == key.user) return row.id;
    if (auto ok = check_name("a configured key's user", key.user); !ok) return std::unexpected(ok.error());
    const UserRow& row =
        loaded_.users.emplace_back(UserRow{make_id("usr_", now_, random_), key.member, key.user, now_});
    if (auto ok = store_.add_user(row); !ok) return std::unexpected(ok.error());
    if (auto ok = made("user.create", {row.id, row.member}, row); !ok) return std::unexpected(ok.error());
    return row.id;
  }

  Expected<void> take_in(const ConfiguredKey& key, const Digest& hash, const std::string& user) {
    const auto found = std::ranges::find(loaded_.keys, hash, &KeyRow::hash);
    if (found == loaded_.keys.end()) {
      KeyRow row;
      row.id = make_id("key_", now_, random_);
      row.hash = hash;
      row.member = key.member;
      row.user = user;
      row.name = key.name;
      row.created_at = now_;
      row.origin = store::KeyOrigin::config;
      row.show_waiting = key.show_waiting;
      loaded_.keys.push_back(row);
      if (auto ok = store_.add_key(row); !ok) return ok;
      return made("key.create", {row.id, row.member}, row);
    }
    KeyRow row = *found;
    if (row.origin != store::KeyOrigin::config) return {};  // made by a person, who rules over it
    row.member = key.member;
    row.user = user;
    row.name = key.name;
    row.show_waiting = key.show_waiting;
    if (row.revoked_by == store::RevokedBy::config) {
      row.revoked_at.reset();
      row.revoked_by = store::RevokedBy::nobody;
    }
    if (row == *found) return {};
    auto updated = store_.update_key(row);
    // A person revoked it on another server since it was read: it stays so, and we hear of it soon.
    if (!updated && updated.error().code == Errc::conflict) return {};
    if (!updated) return updated;
    return changed("key.update", std::exchange(*found, row), row);
  }

  template <class Row>
  Expected<void> made(std::string_view action, const Object& object, const Row& row) {
    return store_.add_audit(audit_.row({now_, {store::ActorKind::config}}, action, object, {}, members::made(row)));
  }

  Expected<void> changed(std::string_view action, const KeyRow& before, const KeyRow& row) {
    const auto [was, is] = differences(Snapshot::of(before), Snapshot::of(row));
    return store_.add_audit(audit_.row({now_, {store::ActorKind::config}}, action, {row.id, row.member}, was, is));
  }

  Store& store_;
  Loaded& loaded_;
  Random& random_;
  Audit& audit_;
  WallTime now_;
};

// The row that `is` it, where another server was quicker; else `row`, which is written.
template <class Row>
Expected<Row> ensured(Store& store, const Row& row, const store::AuditRow& audited,
                      Expected<std::vector<Row>> (Store::*all)(), Expected<void> (Store::*add)(const Row&),
                      const std::function<bool(const Row&)>& is) {
  Row out = row;
  auto done = store.together([&]() -> Expected<void> {
    if (auto mine = store.take_turn(); !mine) return mine;
    auto there = (store.*all)();
    if (!there) return std::unexpected(there.error());
    if (const auto found = std::ranges::find_if(*there, is); found != there->end()) {
      out = *found;
      return {};
    }
    if (auto added = (store.*add)(row); !added) return added;
    return store.add_audit(audited);
  });
  if (!done) return std::unexpected(done.error());
  return out;
}

}  // namespace

Expected<void> Directory::load(std::span<const ConfiguredKey> configured, WallTime now) {
  auto loaded = body_->store.wait_for([&](Store& store) -> Expected<Body::Loaded> {
    auto read = Body::read_all(store, now);
    if (!read) return read;
    auto taken = store.together([&]() -> Expected<void> {
      if (auto mine = store.take_turn(); !mine) return mine;
      // Reading all takes long, and others wait for the turn: only where one of them was quicker it is read anew.
      auto changes = store.changes_since(read->change_mark);
      if (!changes) return std::unexpected(changes.error());
      if (changes->everything || changes->mark != read->change_mark)
        if (auto ok = Body::into(*read, Body::read_all(store, now)); !ok) return ok;
      return ConfiguredKeys(store, *read, body_->random, body_->audit, now).take_in(configured);
    });
    if (!taken) return std::unexpected(taken.error());
    return read;
  });
  if (!loaded) return std::unexpected(loaded.error());
  body_->change_mark = loaded->change_mark;
  body_->know(*loaded);
  body_->agreements.know_all(std::move(loaded->agreements));
  return {};
}

Expected<MemberRow> Directory::ensure_member(const std::string& id, const std::string& name, Act act) {
  if (auto known = member(id)) return *known;
  if (auto ok = check_member_id(id); !ok) return std::unexpected(ok.error());
  if (auto ok = check_name("the member's name", name); !ok) return std::unexpected(ok.error());
  const MemberRow row{id, name, act.at};
  const store::AuditRow audited = body_->audit.row(act, "member.create", {id, id}, {}, made(row));
  auto there = body_->store.wait_for([&](Store& store) {
    return ensured<MemberRow>(store, row, audited, &Store::members, &Store::add_member,
                              [&](const MemberRow& one) { return one.id == id; });
  });
  if (there) body_->members.emplace(id, *there);
  return there;
}

Expected<UserRow> Directory::ensure_user(const std::string& member, const std::string& name, Act act) {
  if (!body_->members.contains(member)) return fail(Errc::not_found, "there is no such member");
  for (const auto& [id, row] : body_->users) {
    if (row.member == member && row.name == name) return row;
  }
  if (auto ok = check_name("the user's name", name); !ok) return std::unexpected(ok.error());
  const UserRow row{make_id("usr_", act.at, body_->random), member, name, act.at};
  const store::AuditRow audited = body_->audit.row(act, "user.create", {row.id, member}, {}, made(row));
  auto there = body_->store.wait_for([&](Store& store) {
    return ensured<UserRow>(store, row, audited, &Store::users, &Store::add_user,
                            [&](const UserRow& one) { return one.member == member && one.name == name; });
  });
  if (there) body_->know(*there);
  return there;
}

}  // namespace faelled::members
