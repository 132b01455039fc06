#include "front_ends/member_map.hpp"

#include <gtest/gtest.h>

namespace faelled::front_ends {
namespace {

using By = MemberRule::By;

Person with_email(std::string email) {
  Person person;
  person.subject = "u";
  person.email = std::move(email);
  return person;
}

TEST(MemberMap, FindsTheMemberByTheDomainOfTheEmail) {
  const MemberMap map(
      {{By::email_domain, {}, "aarhus.example", "aarhus"}, {By::email_domain, {}, "*.odense.example", "odense"}}, {});
  EXPECT_EQ(map.find(with_email("ida@aarhus.example")).member, "aarhus");
  EXPECT_EQ(map.find(with_email("IDA@Aarhus.Example")).member, "aarhus");
  EXPECT_EQ(map.find(with_email("ole@skole.odense.example")).member, "odense");
  EXPECT_EQ(map.find(with_email("ole@odense.example")).member, "") << "those below it, not it";
  EXPECT_EQ(map.find(with_email("ida@aarhus.example")).why, "e-mail domain aarhus.example");
}

TEST(MemberMap, IsNotMisledByAnAddressThatOnlyLooksLikeOne) {
  const MemberMap map({{By::email_domain, {}, "aarhus.example", "aarhus"}}, {});
  for (const char* email :
       {"", "ida", "@aarhus.example", "aarhus.example", "ida@aarhus.example.evil.example", "ida@evilaarhus.example",
        "ida@evil.example@aarhus.example", "ida@aarhus.example ", "ida@ aarhus.example", "ida@sub.aarhus.example"})
    EXPECT_EQ(map.find(with_email(email)).member, "") << email;
}

TEST(MemberMap, FindsTheMemberByGroupAndByClaim) {
  const MemberMap map({{By::group, {}, "Odense", "odense"}, {By::claim, "kommune", "0751", "aarhus"}}, {});
  Person person = with_email("ida@nowhere.example");
  EXPECT_EQ(map.find(person).member, "");
  person.groups = {"Alle", "Odense"};
  EXPECT_EQ(map.find(person).member, "odense");
  person.groups = {"odense", "Odense "};
  EXPECT_EQ(map.find(person).member, "") << "a group is its whole name";
  person.claims = {{"kommune", "0751"}};
  EXPECT_EQ(map.find(person).member, "aarhus");
  EXPECT_EQ(map.find(person).why, "claim kommune is 0751");
  person.claims = {{"x", "0751"}, {"kommune", "075"}};
  EXPECT_EQ(map.find(person).member, "");
}

TEST(MemberMap, TakesTheFirstRuleThatFitsAndThenTheDefault) {
  const MemberMap map({{By::group, {}, "Test", "lab"}, {By::email_domain, {}, "aarhus.example", "aarhus"}}, "guests");
  Person person = with_email("ida@aarhus.example");
  person.groups = {"Test"};
  EXPECT_EQ(map.find(person).member, "lab");
  EXPECT_EQ(map.find(with_email("ida@aarhus.example")).member, "aarhus");
  EXPECT_EQ(map.find(with_email("x@y.example")).member, "guests");
  EXPECT_EQ(map.members(), (std::vector<std::string>{"aarhus", "guests", "lab"}));
}

}  // namespace
}  // namespace faelled::front_ends
