// Rights: what one may do to the users, keys and policy of a member, decided by role alone. The routes' table says who
// may call what (portal); here is what depends on whom and what it is about. Pure.
// Errors: not_found (of another member: whether it exists is nobody's business), forbidden (says why).
#pragma once

#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "members/act.hpp"

namespace faelled::members {

// Administers all members: the operator, the owner-only socket, and the server itself.
bool over_all(const Actor& who);

// Chats and has conversations.
bool has_words(store::Role role);

// Whose users, keys, policy and audit they may see and change.
Expected<void> may_administer(const Actor& who, std::string_view member);

// Users. `user`: as it is before; an operator is changed by operators alone.
Expected<void> may_make_user(const Actor& who, std::string_view member, store::Role role);
Expected<void> may_change_user(const Actor& who, const store::UserRow& user);
// `admins`: how many can still sign in, this one too.
Expected<void> may_set_role(const Actor& who, const store::UserRow& user, store::Role role, std::size_t admins);
Expected<void> may_disable(const Actor& who, const store::UserRow& user, std::size_t admins);
// A link is the person: operators make it for those who have no words to read, by their role or since they never were
// here; an auditor's they alone make.
Expected<void> may_make_link(const Actor& who, const store::UserRow& user);

// Keys. `owner`: the user it is for; nullptr: a system of the member. Making is rotating, too.
Expected<void> may_make_key(const Actor& who, std::string_view member, const store::UserRow* owner,
                            store::KeyMakers makers);
Expected<void> may_change_key(const Actor& who, const store::KeyRow& key);
bool sees_key(const Actor& who, const store::KeyRow& key);

}  // namespace faelled::members
