#include "members/rights.hpp"

#include <gtest/gtest.h>

#include "members/roles.hpp"

namespace faelled::members {
namespace {

using store::ActorKind;
using store::KeyMakers;
using store::KeyRow;
using store::Role;
using store::UserRow;

UserRow user(Role role, const std::string& name = "a", const std::string& member = "aarhus") {
  UserRow row;
  row.id = "usr_" + name;
  row.member = member;
  row.role = role;
  return row;
}

Actor as(const UserRow& who) { return {ActorKind::user, who.id, who.member, who.role, {}}; }
Actor of_kind(ActorKind kind) { return {kind}; }

Errc refusal(const Expected<void>& given) { return given ? Errc::internal : given.error().code; }

const UserRow admin = user(Role::member_admin, "admin");
const UserRow anne = user(Role::user, "anne");
const UserRow operator_row = user(Role::operator_, "op", "drift");

TEST(Rights, EndAtTheMembersBorderAndTellNothingOfWhatIsBehind) {
  const UserRow theirs = user(Role::user, "ole", "odense");
  KeyRow key;
  key.member = "odense";
  EXPECT_EQ(refusal(may_administer(as(admin), "odense")), Errc::not_found);
  EXPECT_EQ(refusal(may_change_user(as(admin), theirs)), Errc::not_found);
  EXPECT_EQ(refusal(may_make_link(as(admin), theirs)), Errc::not_found);
  EXPECT_EQ(refusal(may_change_key(as(admin), key)), Errc::not_found);
  EXPECT_EQ(refusal(may_make_key(as(admin), "odense", nullptr, KeyMakers::all)), Errc::not_found);
  EXPECT_TRUE(may_change_user(as(operator_row), theirs));
  EXPECT_TRUE(may_change_key(of_kind(ActorKind::owner), key));
}

TEST(Rights, OfPeopleAreNotThoseOfAdministrators) {
  for (const Role role : {Role::user, Role::builder, Role::auditor}) {
    const UserRow who = user(role);
    EXPECT_EQ(refusal(may_administer(as(who), "aarhus")), Errc::forbidden) << name_of(role);
    EXPECT_EQ(refusal(may_make_user(as(who), "aarhus", Role::user)), Errc::forbidden);
    EXPECT_EQ(refusal(may_set_role(as(who), anne, Role::builder, 2)), Errc::forbidden);
    EXPECT_EQ(refusal(may_disable(as(who), anne, 2)), Errc::forbidden);
    EXPECT_EQ(refusal(may_make_link(as(who), anne)), Errc::forbidden);
  }
}

TEST(Rights, NobodyRaisesTheirOwnRole) {
  for (const auto& [from, name] : role_names) {
    for (const auto& [to, other] : role_names) {
      if (from == to) continue;
      const UserRow self = user(from);
      const bool lowers = from == Role::member_admin && (to == Role::user || to == Role::builder);
      EXPECT_EQ(may_set_role(as(self), self, to, 2).has_value(), lowers) << name << " to " << other;
    }
  }
}

TEST(Rights, TheLastAdministratorStays) {
  EXPECT_EQ(refusal(may_set_role(as(admin), admin, Role::user, 1)), Errc::forbidden);
  EXPECT_EQ(refusal(may_disable(as(admin), admin, 1)), Errc::forbidden);
  EXPECT_TRUE(may_set_role(as(admin), admin, Role::user, 2));
  EXPECT_TRUE(may_disable(as(admin), admin, 2));
  EXPECT_TRUE(may_disable(as(operator_row), admin, 1)) << "an operator may have to";
}

TEST(Rights, OperatorsAreMadeAndChangedByOperatorsAlone) {
  const UserRow theirs = user(Role::operator_, "op2");
  EXPECT_EQ(refusal(may_make_user(as(admin), "aarhus", Role::operator_)), Errc::forbidden);
  EXPECT_EQ(refusal(may_set_role(as(admin), anne, Role::operator_, 2)), Errc::forbidden);
  EXPECT_EQ(refusal(may_set_role(as(admin), theirs, Role::user, 2)), Errc::forbidden);
  EXPECT_EQ(refusal(may_disable(as(admin), theirs, 2)), Errc::forbidden);
  EXPECT_EQ(refusal(may_make_link(as(admin), theirs)), Errc::forbidden) << "a link is the person";
  EXPECT_EQ(refusal(may_make_key(as(admin), "aarhus", &theirs, KeyMakers::all)), Errc::forbidden);
  EXPECT_TRUE(may_make_user(of_kind(ActorKind::owner), "aarhus", Role::operator_)) << "the first one";
  EXPECT_TRUE(may_make_user(as(operator_row), "aarhus", Role::operator_));
  EXPECT_EQ(refusal(may_disable(as(operator_row), operator_row, 0)), Errc::forbidden) << "not oneself";
}

TEST(Rights, AuditorsAreMadeByOperatorsAlone) {
  EXPECT_EQ(refusal(may_make_user(as(admin), "aarhus", Role::auditor)), Errc::forbidden)
      << "they read sums of other members";
  EXPECT_EQ(refusal(may_set_role(as(admin), anne, Role::auditor, 2)), Errc::forbidden);
  EXPECT_EQ(refusal(may_make_link(as(admin), user(Role::auditor, "rie"))), Errc::forbidden) << "a link is the person";
  EXPECT_TRUE(may_make_link(as(operator_row), user(Role::auditor, "rie")));
  EXPECT_TRUE(may_make_user(as(operator_row), "aarhus", Role::auditor));
  EXPECT_TRUE(may_set_role(as(operator_row), anne, Role::auditor, 2));
  EXPECT_TRUE(may_set_role(as(admin), user(Role::auditor, "rie"), Role::user, 2)) << "what they take away they have";
}

TEST(Rights, AnOperatorOpensNobodysWords) {
  UserRow seen = anne;
  EXPECT_TRUE(may_make_link(as(operator_row), anne)) << "who never was here";
  seen.last_seen_at = from_unix_micros(1);
  EXPECT_EQ(refusal(may_make_link(as(operator_row), seen)), Errc::forbidden);
  EXPECT_TRUE(may_make_link(as(admin), seen));
  seen.role = Role::operator_;
  EXPECT_TRUE(may_make_link(as(operator_row), seen)) << "an operator has no words";
  seen.role = Role::auditor;
  EXPECT_TRUE(may_make_link(as(operator_row), seen)) << "nor has an auditor";
  seen.disabled_at = from_unix_micros(2);
  EXPECT_EQ(refusal(may_make_link(as(operator_row), seen)), Errc::conflict);
}

TEST(Rights, ToMakeKeysAreAsTheMemberHasDecided) {
  const UserRow builder = user(Role::builder, "bo"), auditor = user(Role::auditor, "rie");
  struct Row {
    const UserRow* who;
    const UserRow* owner;  // nullptr: a system
    KeyMakers makers;
    bool may;
  };
  for (const Row& row :
       {Row{&anne, &anne, KeyMakers::all, true}, Row{&anne, &anne, KeyMakers::builders, false},
        Row{&anne, &anne, KeyMakers::admins, false}, Row{&anne, nullptr, KeyMakers::all, false},
        Row{&anne, &builder, KeyMakers::all, false}, Row{&builder, &builder, KeyMakers::builders, true},
        Row{&builder, nullptr, KeyMakers::builders, true}, Row{&builder, nullptr, KeyMakers::admins, false},
        Row{&builder, &anne, KeyMakers::all, false}, Row{&admin, &anne, KeyMakers::admins, true},
        Row{&admin, nullptr, KeyMakers::admins, true}, Row{&auditor, &auditor, KeyMakers::all, false}}) {
    EXPECT_EQ(may_make_key(as(*row.who), "aarhus", row.owner, row.makers).has_value(), row.may)
        << row.who->id << " for " << (row.owner == nullptr ? "a system" : row.owner->id) << ", " << name_of(row.makers);
  }
  EXPECT_EQ(refusal(may_make_key({ActorKind::key, "key_1", "aarhus"}, "aarhus", nullptr, KeyMakers::all)),
            Errc::forbidden);
}

TEST(Rights, ToSeeKeysGrowWithTheRole) {
  KeyRow annes, systems, bos;
  annes.member = systems.member = bos.member = "aarhus";
  annes.user = anne.id;
  bos.user = "usr_bo";
  const UserRow builder = user(Role::builder, "bo"), auditor = user(Role::auditor, "rie");
  EXPECT_TRUE(sees_key(as(anne), annes) && !sees_key(as(anne), systems) && !sees_key(as(anne), bos));
  EXPECT_TRUE(sees_key(as(builder), bos) && sees_key(as(builder), systems) && !sees_key(as(builder), annes));
  EXPECT_TRUE(sees_key(as(admin), annes) && sees_key(as(admin), systems) && sees_key(as(admin), bos));
  EXPECT_FALSE(sees_key(as(auditor), annes) || sees_key(as(auditor), systems));
  EXPECT_TRUE(sees_key(as(operator_row), annes));
}

TEST(Rights, AFrontEndMakesPlainUsersOfItsMemberAlone) {
  const Actor front{ActorKind::front_end, "webui", "aarhus"};
  EXPECT_TRUE(may_make_user(front, "aarhus", Role::user));
  EXPECT_EQ(refusal(may_make_user(front, "aarhus", Role::member_admin)), Errc::forbidden);
  EXPECT_EQ(refusal(may_make_user(front, "odense", Role::user)), Errc::not_found);
  EXPECT_EQ(refusal(may_make_key(front, "aarhus", nullptr, KeyMakers::all)), Errc::forbidden);
}

}  // namespace
}  // namespace faelled::members
