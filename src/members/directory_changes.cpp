#include "base/ids.hpp"
#include "base/names.hpp"
#include "members/directory_body.hpp"
#include "members/newer.hpp"
#include "members/rights.hpp"

namespace faelled::members {
namespace {

Error full(const char* what) {
  return {Errc::exhausted, std::string("there are too many ") + what, "remove some that nobody uses"};
}

Error absent(const char* what) { return {Errc::not_found, std::string("There is no such ") + what + ".", {}}; }

std::unexpected<Error> taken(const char* what) {
  return fail(Errc::exists, std::string("Another user of this member has this ") + what + ".", "Choose another one.");
}

std::string folded(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

Expected<void> check_policy(const store::Policy& policy) {
  for (const auto& days : {policy.retention_days, policy.key_days_max})
    if (days && (*days < 1 || *days > limits::policy_days_max))
      return fail(Errc::invalid, "this is no number of days", "use 1 to " + std::to_string(limits::policy_days_max));
  if (policy.models && policy.models->size() > limits::allowed_models_max)
    return about("models", {Errc::invalid, "these are too many models",
                            "name at most " + std::to_string(limits::allowed_models_max)});
  return {};
}

struct Disabling {
  std::optional<bool> wished;
  bool alone = false;  // nothing else is changed
};

// Takes over into `row`, which is about to be written, what another server made of it since `old` was known. Whoever
// was disabled there stays so unless that was seen here; to disable somebody goes before everything. Errors: conflict,
// and the store's.
Expected<void> over_newer(Store& store, std::int64_t mark, const UserRow& old, Disabling disabling, UserRow& row) {
  auto given = newer_user(store, mark, row.id);
  if (!given) return std::unexpected(given.error());
  if (!*given) return {};
  const UserRow& now = **given;
  const bool same = now.role == old.role && now.origin == old.origin && now.front_end == old.front_end &&
                    now.external_id == old.external_id;
  if (disabling.wished == true) {
    if (now.disabled_at) row.disabled_at = now.disabled_at;
    if (same) return {};
    if (!disabling.alone) return changed_elsewhere();
    const auto disabled_at = row.disabled_at;
    row = now;
    row.disabled_at = disabled_at;
    return {};
  }
  if (!same || (now.disabled_at && now.disabled_at != old.disabled_at)) return changed_elsewhere();
  if (!disabling.wished) row.disabled_at = now.disabled_at;
  return {};
}

}  // namespace

void Directory::add_member(std::string id, std::string name, Act act, Then<MemberRow> then) {
  body_->change<MemberRow>(
      [body = body_.get(), id = std::move(id), name = std::move(name), act]() mutable -> Expected<Deed<MemberRow>> {
        if (!over_all(act.by)) return fail(Errc::forbidden, "Only an operator makes members.");
        if (id.empty()) id = make_id("mem_", act.at, body->random);
        if (auto ok = check_member_id(id); !ok) return std::unexpected(ok.error());
        if (auto ok = check_name("the member's name", name); !ok) return std::unexpected(ok.error());
        if (body->members.contains(id))
          return fail(Errc::exists, "there is a member " + id + " already", "choose another id");
        if (body->members.size() >= limits::members_max) return std::unexpected(full("members"));
        const MemberRow row{id, name, act.at};
        return Deed<MemberRow>{[row](Store& store) -> Expected<MemberRow> {
                                 if (auto added = store.add_member(row); !added) return std::unexpected(added.error());
                                 return row;
                               },
                               body->audit.row(act, "member.create", {id, id}, {}, made(row)),
                               [body](MemberRow& added) { body->members.emplace(added.id, added); }};
      },
      std::move(then));
}

store::Policy PolicyChange::applied_to(store::Policy policy) const {
  if (models) policy.models = *models;
  if (retention_days) policy.retention_days = *retention_days;
  if (conversations) policy.conversations = *conversations;
  if (key_days_max) policy.key_days_max = *key_days_max;
  if (key_makers) policy.key_makers = *key_makers;
  return policy;
}

void Directory::update_member(std::string id, MemberChange change, Act act, Then<MemberRow> then) {
  body_->change<MemberRow>(
      [body = body_.get(), id = std::move(id), change = std::move(change), act]() -> Expected<Deed<MemberRow>> {
        const auto found = body->members.find(id);
        if (found == body->members.end()) return std::unexpected(absent("member"));
        if (auto ok = may_administer(act.by, id); !ok) return std::unexpected(ok.error());
        MemberRow row = found->second;
        if (change.name) {
          if (!over_all(act.by)) return fail(Errc::forbidden, "Only an operator renames members.");
          if (auto ok = check_name("the member's name", *change.name); !ok) return std::unexpected(ok.error());
          row.name = *change.name;
        }
        if (change.contact) {
          if (auto ok = check_contact(*change.contact); !ok) return std::unexpected(ok.error());
          row.contact = *change.contact;
        }
        row.policy = change.policy.applied_to(row.policy);
        if (auto ok = check_policy(row.policy); !ok) return std::unexpected(ok.error());
        return Deed<MemberRow>{
            [row, known = found->second, mark = body->change_mark](Store& store) -> Expected<MemberRow> {
              if (auto same = unchanged(store, mark, known); !same) return std::unexpected(same.error());
              if (auto updated = store.update_member(row); !updated) return std::unexpected(updated.error());
              return row;
            },
            body->audit.row(act, "member.update", {id, id}, Snapshot::of(found->second), Snapshot::of(row)),
            [body](MemberRow& updated) { body->members.at(updated.id) = updated; }};
      },
      std::move(then));
}

void Directory::add_user(std::string member, std::string name, Act act, Then<UserRow> then) {
  NewUser user;
  user.name = std::move(name);
  add_user(std::move(member), std::move(user), std::move(act), std::move(then));
}

void Directory::add_user(std::string member, NewUser user, Act act, Then<UserRow> then) {
  body_->change<UserRow>(
      [body = body_.get(), member = std::move(member), user = std::move(user), act]() -> Expected<Deed<UserRow>> {
        if (!body->members.contains(member)) return std::unexpected(absent("member"));
        if (auto ok = may_make_user(act.by, member, user.role); !ok) return std::unexpected(ok.error());
        if (auto ok = check_name("the user's name", user.name); !ok) return about("name", ok.error());
        if (auto ok = check_email(user.email); !ok) return about("email", ok.error());
        if (!user.external_id.empty()) {
          if (auto ok = check_external_id(user.external_id); !ok) return std::unexpected(ok.error());
        }
        if (body->users.size() >= limits::users_max) return std::unexpected(full("users"));
        UserRow row{make_id("usr_", act.at, body->random), member, user.name, act.at, user.role, user.email};
        row.origin = user.front_end.empty() ? store::UserOrigin::local : store::UserOrigin::front_end;
        row.front_end = user.front_end;
        row.external_id = user.external_id;
        if (auto ok = body->check_unique(row); !ok) return std::unexpected(ok.error());
        return Deed<UserRow>{[row](Store& store) -> Expected<UserRow> {
                               if (auto added = store.add_user(row); !added) return std::unexpected(added.error());
                               return row;
                             },
                             body->audit.row(act, "user.create", {row.id, member}, {}, made(row)),
                             [body](UserRow& added) { body->know(added); }};
      },
      std::move(then));
}

bool Directory::Body::email_taken(const UserRow& row) const {
  const auto ids = users_of.find(row.member);
  if (row.email.empty() || ids == users_of.end()) return false;
  return std::ranges::any_of(ids->second, [&, email = folded(row.email)](const std::string& id) {
    return id != row.id && folded(users.at(id).email) == email;
  });
}

Expected<void> Directory::Body::check_unique(const UserRow& row) const {
  if (email_taken(row)) return about("email", taken("email").error());
  const auto ids = users_of.find(row.member);
  if (ids == users_of.end()) return {};
  for (const std::string& id : ids->second) {
    const UserRow& other = users.at(id);
    if (id == row.id) continue;
    if (!row.external_id.empty() && other.front_end == row.front_end && other.external_id == row.external_id)
      return taken("id of the front end");
  }
  return {};
}

void Directory::update_user(std::string id, UserChange change, Act act, Then<UserRow> then) {
  const auto known = body_->users.find(id);
  if (known == body_->users.end()) return body_->refuse(absent("user"), std::move(then));
  const UserRow before = known->second;
  const bool alone = !change.name && !change.email && !change.role;  // else something may still be wrong with it
  if (alone && change.disabled == true && !before.disabled_at &&
      may_disable(act.by, before, body_->admins(before.member))) {
    body_->set_disabled(known->second, act.at);  // here at once, before the store knows
    const auto undo = [id](Body& body) {
      if (const auto here = body.users.find(id); here != body.users.end()) body.set_disabled(here->second, {});
    };
    then = body_->taking<UserRow>(undo, std::move(then));
  }
  body_->change<UserRow>(
      [body = body_.get(), before, change = std::move(change), alone, act]() -> Expected<Deed<UserRow>> {
        UserRow row = body->users.at(before.id);
        UserRow old = row;
        if (change.disabled == true) old.disabled_at = before.disabled_at;
        const std::size_t admins = body->admins(row.member);
        if (auto ok = may_change_user(act.by, old); !ok) return std::unexpected(ok.error());
        if (change.name) {
          if (auto ok = check_name("the user's name", *change.name); !ok) return about("name", ok.error());
          row.name = *change.name;
        }
        if (change.email) {
          if (auto ok = check_email(*change.email); !ok) return about("email", ok.error());
          row.email = *change.email;
          if (auto ok = body->check_unique(row); !ok) return std::unexpected(ok.error());
        }
        if (change.role) {
          if (auto ok = may_set_role(act.by, old, *change.role, admins); !ok) return std::unexpected(ok.error());
          row.role = *change.role;
        }
        if (change.disabled == true && !row.disabled_at) {
          if (auto ok = may_disable(act.by, old, admins); !ok) return std::unexpected(ok.error());
          row.disabled_at = act.at;
        }
        if (change.disabled == false) row.disabled_at.reset();
        // Whoever signed in as the one would be the other, who may read what is not for them.
        const bool signs_in_anew = has_words(old.role) != has_words(row.role);
        return Deed<UserRow>{
            [row, old, disabled = change.disabled, alone, signs_in_anew,
             mark = body->change_mark](Store& store) -> Expected<UserRow> {
              auto written = row;
              if (auto ok = over_newer(store, mark, old, {disabled, alone}, written); !ok)
                return std::unexpected(ok.error());
              if (auto updated = store.update_user(written); !updated) return std::unexpected(updated.error());
              if (disabled == true || signs_in_anew) {
                if (auto removed = store.remove_sessions_of(row.id); !removed) return std::unexpected(removed.error());
              }
              return written;
            },
            body->audit.row(act, "user.update", {row.id, row.member}, Snapshot::of(old), Snapshot::of(row)),
            [body, enables = change.disabled == false, signs_in_anew](UserRow& updated) {
              UserRow& here = body->users.at(updated.id);
              updated.last_seen_at = here.last_seen_at;
              // Whoever was disabled while this was written stays so: that has effect before it is written.
              const auto disabled_at = enables || updated.disabled_at ? updated.disabled_at : here.disabled_at;
              here = updated;
              if (signs_in_anew) body->end_sessions(here.id);
              body->set_disabled(here, disabled_at);
            }};
      },
      std::move(then));
}

}  // namespace faelled::members
