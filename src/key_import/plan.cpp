#include "key_import/plan.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "base/limits.hpp"
#include "base/names.hpp"
#include "members/derived_ids.hpp"

namespace faelled::key_import {
namespace {

using store::KeyRow;
using store::UserRow;

constexpr std::string_view old_gateway = "import";  // where imported people come from

// LiteLLM's administrator, who stands for nobody.
bool is_somebody(const std::string& user) { return !user.empty() && user != "default_user_id"; }

class Planner {
 public:
  Planner(const Mapping& mapping, const Existing& existing, WallTime now) : mapping_(mapping), now_(now) {
    for (const store::MemberRow& row : existing.members) members_.emplace(row.id, &row);
    for (const UserRow& row : existing.users) {
      users_.emplace(row.id, &row);
      if (!row.email.empty()) by_email_.emplace(row.member + "\n" + lower(row.email), &row);
    }
    for (const KeyRow& row : existing.keys) keys_.emplace(row.hash, &row);
    room_ = limits::keys_max - std::min(limits::keys_max, existing.keys.size());
    user_room_ = limits::users_max - std::min(limits::users_max, existing.users.size());
  }

  void take(const OldKey& key) {
    Planned& planned = plan.keys.emplace_back(Planned{key.line, key.name, {}, {}, Verdict::bad, {}});
    planned.member = member_of(key);
    if (planned.member.empty()) {
      planned.why = key.team.empty() ? "nothing says which member it belongs to"
                                     : "nothing says which member team '" + key.team + "' is";
      return;
    }
    if (!members_.contains(planned.member)) {
      planned.why = "there is no member '" + planned.member + "'; make it first";
      return;
    }
    if (const auto here = keys_.find(key.hash); here != keys_.end()) return already(*here->second, planned);
    if (key.expires_at && *key.expires_at <= now_) {
      planned.verdict = Verdict::left_out;
      planned.why = "it has expired";
      return;
    }
    add(key, planned);
  }

  Plan plan;

 private:
  static std::string lower(std::string text) {
    for (char& c : text) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
  }

  std::string member_of(const OldKey& key) const {
    if (!key.member.empty()) return key.member;
    if (const auto team = mapping_.teams.find(key.team); team != mapping_.teams.end()) return team->second;
    if (const auto user = mapping_.users.find(key.user); user != mapping_.users.end()) return user->second;
    return mapping_.default_member;
  }

  static void already(const KeyRow& row, Planned& planned) {
    if (row.member != planned.member) {
      planned.why = "it is here already, as key " + row.id + " of member '" + row.member + "'";
      return;
    }
    planned.verdict = Verdict::here;
    planned.why = "it is here already, as key " + row.id;
    if (row.revoked_at) planned.why += ", revoked";
  }

  // The person whose key it is, made if nobody is known by that e-mail or old id. nullptr: a system's key, or, with a
  // reason, nobody who may be taken in.
  const UserRow* user_of(const OldKey& key, Planned& planned) {
    if (!is_somebody(key.user) && key.email.empty()) return nullptr;
    const std::string& subject = is_somebody(key.user) ? key.user : key.email;
    // Whoever else is in the file: a name that cannot be shown is refused the first time and every other.
    for (const std::string& name : {subject, key.email}) {
      if (auto ok = check_name("its user", name); !name.empty() && !ok) {
        planned.why = ok.error().message;
        return nullptr;
      }
    }
    if (!key.email.empty()) {
      const auto known = by_email_.find(planned.member + "\n" + lower(key.email));
      if (known != by_email_.end()) return known->second;
    }
    const std::string id = members::derived_user_id(old_gateway, planned.member, subject);
    if (const auto known = users_.find(id); known != users_.end()) return known->second;
    UserRow row;
    row.id = id;
    row.member = planned.member;
    row.name = key.email.empty() ? subject : key.email;
    row.created_at = now_;
    row.email = key.email;
    if (plan.new_users.size() >= user_room_) {
      planned.why = "there are too many users";
      return nullptr;
    }
    plan.new_users.push_back(std::move(row));
    const UserRow* made = &made_.emplace_back(plan.new_users.back());
    users_.emplace(made->id, made);
    if (!made->email.empty()) by_email_.emplace(made->member + "\n" + lower(made->email), made);
    return made;
  }

  void add(const OldKey& key, Planned& planned) {
    if (auto ok = check_name("its name", key.name); !ok) {
      planned.why = ok.error().message;
      return;
    }
    if (plan.new_keys.size() >= room_) {
      planned.why = "there are too many keys; revoke and remove some that nobody uses";
      return;
    }
    const UserRow* user = user_of(key, planned);
    if (!planned.why.empty()) return;
    KeyRow row;
    row.id = members::derived_key_id(key.hash);
    row.hash = key.hash;
    row.member = planned.member;
    row.name = key.name;
    row.created_at = now_;
    row.expires_at = key.expires_at;
    if (const auto days = members_.at(planned.member)->policy.key_days_max) {
      const WallTime last = now_ + std::chrono::days(*days);
      if (!row.expires_at || *row.expires_at > last) {
        row.expires_at = last;
        planned.why = "it will end in " + std::to_string(*days) + " days, as the member lets keys live";
      }
    }
    row.origin = store::KeyOrigin::imported;
    if (user != nullptr) {
      row.user = user->id;
      planned.user = user->name;
    }
    if (key.blocked) {
      row.revoked_at = now_;
      row.revoked_by = store::RevokedBy::person;
    }
    planned.verdict = key.blocked ? Verdict::add_blocked : Verdict::add;
    plan.new_keys.push_back(std::move(row));
  }

  const Mapping& mapping_;
  WallTime now_;
  std::unordered_map<std::string, const store::MemberRow*> members_;
  std::unordered_map<std::string, const UserRow*> users_;
  std::unordered_map<std::string, const UserRow*> by_email_;
  std::unordered_map<crypto::Digest, const KeyRow*, crypto::DigestHash> keys_;
  std::deque<UserRow> made_;  // whose addresses the maps hold
  std::size_t room_ = 0;
  std::size_t user_room_ = 0;
};

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::add:
      return "add";
    case Verdict::add_blocked:
      return "add_blocked";
    case Verdict::here:
      return "here";
    case Verdict::left_out:
      return "left_out";
    case Verdict::bad:
      break;
  }
  return "bad";
}

std::size_t Plan::count(Verdict verdict) const {
  return static_cast<std::size_t>(std::ranges::count(keys, verdict, &Planned::verdict));
}

Plan plan_import(std::span<const OldKey> keys, const Mapping& mapping, const Existing& existing, WallTime now) {
  Planner planner(mapping, existing, now);
  for (const OldKey& key : keys) planner.take(key);
  return std::move(planner.plan);
}

}  // namespace faelled::key_import
