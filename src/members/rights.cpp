#include "members/rights.hpp"

namespace faelled::members {
namespace {

using store::ActorKind;
using store::KeyMakers;
using store::Role;

std::unexpected<Error> absent(const char* what) {
  return fail(Errc::not_found, std::string("There is no such ") + what + ".");
}
std::unexpected<Error> forbidden(const char* why, const char* hint = "") { return fail(Errc::forbidden, why, hint); }

bool is_admin(const Actor& who) { return who.kind == ActorKind::user && who.role == Role::member_admin; }
bool is_self(const Actor& who, std::string_view user) { return who.kind == ActorKind::user && who.id == user; }

// An auditor reads sums of all members, and so has what no member's administrator can give away.
Expected<void> may_give(const Actor& who, Role role) {
  if (over_all(who)) return {};
  if (role == Role::operator_) return forbidden("Only an operator can make an operator.");
  if (role == Role::auditor)
    return forbidden("Only an operator can make an auditor: the role reads sums of all members.", "Ask an operator.");
  return {};
}

bool last_admin(const store::UserRow& user, std::size_t admins) {
  return user.role == Role::member_admin && !user.disabled_at && admins <= 1;
}

}  // namespace

bool over_all(const Actor& who) {
  switch (who.kind) {
    case ActorKind::system:
    case ActorKind::config:
    case ActorKind::owner:
      return true;
    case ActorKind::user:
      return who.role == Role::operator_;
    case ActorKind::key:
    case ActorKind::front_end:
      return false;
  }
  return false;
}

bool has_words(Role role) { return role != Role::operator_ && role != Role::auditor; }

Expected<void> may_administer(const Actor& who, std::string_view member) {
  if (over_all(who)) return {};
  if (who.member != member) return absent("member");
  // A front end makes the people known that it signs in, and nothing else: it never calls what asks further.
  if (is_admin(who) || who.kind == ActorKind::front_end) return {};
  return forbidden("This is for your organisation's administrators.");
}

Expected<void> may_make_user(const Actor& who, std::string_view member, Role role) {
  if (auto ok = may_administer(who, member); !ok) return ok;
  if (auto ok = may_give(who, role); !ok) return ok;
  if (role != Role::user && who.kind == ActorKind::front_end) return forbidden("A front end makes plain users only.");
  return {};
}

Expected<void> may_change_user(const Actor& who, const store::UserRow& user) {
  if (!over_all(who) && who.member != user.member) return absent("user");
  if (auto ok = may_administer(who, user.member); !ok) return ok;
  if (user.role == Role::operator_ && !over_all(who)) return forbidden("Only an operator can change an operator.");
  return {};
}

Expected<void> may_set_role(const Actor& who, const store::UserRow& user, Role role, std::size_t admins) {
  if (auto ok = may_change_user(who, user); !ok) return ok;
  if (role == user.role) return {};
  if (auto ok = may_give(who, role); !ok) return ok;
  if (!is_self(who, user.id)) return {};
  if (user.role != Role::member_admin || role == Role::operator_)
    return forbidden("Nobody changes their own role.", "Ask another administrator.");
  if (last_admin(user, admins))
    return forbidden("You are the last administrator of your organisation.", "Make another one first.");
  return {};
}

Expected<void> may_disable(const Actor& who, const store::UserRow& user, std::size_t admins) {
  if (auto ok = may_change_user(who, user); !ok) return ok;
  if (!is_self(who, user.id)) return {};
  if (last_admin(user, admins))
    return forbidden("You are the last administrator of your organisation.", "Make another one first.");
  if (user.role == Role::operator_) return forbidden("You cannot disable yourself.", "Ask another operator.");
  return {};
}

Expected<void> may_make_link(const Actor& who, const store::UserRow& user) {
  if (auto ok = may_change_user(who, user); !ok) return ok;
  if (user.disabled_at) return fail(Errc::conflict, "This user is disabled.", "Enable the user first.");
  if (user.role == Role::auditor && !over_all(who))
    return forbidden("Only an operator can make an auditor's sign-in link: it opens sums of all members.",
                     "Ask an operator.");
  if (who.kind == ActorKind::user && who.role == Role::operator_ && has_words(user.role) && user.last_seen_at)
    return forbidden("An operator cannot make a sign-in link for somebody who has been here: it opens their words.",
                     "Ask an administrator of the member.");
  return {};
}

Expected<void> may_make_key(const Actor& who, std::string_view member, const store::UserRow* owner, KeyMakers makers) {
  if (over_all(who)) return {};
  if (who.kind != ActorKind::user) return forbidden("A key makes no keys.");
  if (who.member != member) return absent("member");
  if (is_admin(who)) {
    if (owner != nullptr && owner->role == Role::operator_) return forbidden("Only an operator can do this.");
    return {};
  }
  if (owner != nullptr && owner->id != who.id) return forbidden("You can make keys for yourself only.");
  const bool builder = who.role == Role::builder;
  if (!builder && who.role != Role::user) return forbidden("Your role makes no keys.");
  if (owner == nullptr && !builder)
    return forbidden("Keys for systems are made by builders and administrators.", "Ask your administrator.");
  if (makers == KeyMakers::admins || (makers == KeyMakers::builders && !builder))
    return forbidden("Your organisation has decided that its administrators make the keys.", "Ask one of them.");
  return {};
}

bool sees_key(const Actor& who, const store::KeyRow& key) {
  if (over_all(who)) return true;
  if (who.kind != ActorKind::user || who.member != key.member) return false;
  if (who.role == Role::member_admin) return true;
  if (who.role == Role::builder && key.user.empty()) return true;
  return (who.role == Role::user || who.role == Role::builder) && key.user == who.id;
}

Expected<void> may_change_key(const Actor& who, const store::KeyRow& key) {
  if (!sees_key(who, key)) return absent("key");
  return {};
}

}  // namespace faelled::members
