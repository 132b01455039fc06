#include "key_import/plan.hpp"

#include <gtest/gtest.h>

namespace faelled::key_import {
namespace {

using store::KeyRow;
using store::UserRow;

class PlanTest : public ::testing::Test {
 protected:
  static OldKey key(const std::string& secret, std::size_t line = 2) {
    OldKey key;
    key.line = line;
    key.hash = crypto::sha256(secret);
    key.name = "old key";
    return key;
  }
  Plan plan(const std::vector<OldKey>& keys) { return plan_import(keys, mapping_, {members_, users_, keys_}, now_); }
  Planned only(const OldKey& one) { return plan({one}).keys.at(0); }

  WallTime now_ = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  Mapping mapping_{{{"team-1", "aarhus"}}, {{"ole", "odense"}}, {}};
  std::vector<store::MemberRow> members_{{"aarhus", "Aarhus", now_}, {"odense", "Odense", now_}};
  std::vector<UserRow> users_;
  std::vector<KeyRow> keys_;
};

TEST_F(PlanTest, FindsTheMemberByTheRowItsTeamItsUserOrTheDefault) {
  OldKey one = key("a");
  EXPECT_EQ(only(one).verdict, Verdict::bad);
  EXPECT_EQ(only(one).why, "nothing says which member it belongs to");
  one.user = "ole";
  EXPECT_EQ(only(one).member, "odense");
  one.team = "team-1";
  EXPECT_EQ(only(one).member, "aarhus");
  one.member = "odense";
  EXPECT_EQ(only(one).member, "odense");
  one.member = "nobody";
  EXPECT_EQ(only(one).why, "there is no member 'nobody'; make it first");
  one = key("a");
  one.team = "unknown";
  EXPECT_EQ(only(one).why, "nothing says which member team 'unknown' is");
  mapping_.default_member = "aarhus";
  EXPECT_EQ(only(one).member, "aarhus");
}

TEST_F(PlanTest, MakesEachPersonOnceAndKnowsThemAgain) {
  OldKey first = key("a"), second = key("b"), third = key("c");
  first.team = second.team = third.team = "team-1";
  first.user = second.user = "ida";
  third.user = "default_user_id";
  const Plan made = plan({first, second, third});
  ASSERT_EQ(made.new_users.size(), 1u);
  ASSERT_EQ(made.new_keys.size(), 3u);
  EXPECT_EQ(made.new_keys[0].user, made.new_users[0].id);
  EXPECT_EQ(made.new_keys[1].user, made.new_users[0].id);
  EXPECT_EQ(made.new_keys[2].user, "") << "the old gateway's administrator stands for nobody";
  EXPECT_EQ(made.new_users[0].name, "ida");
  EXPECT_EQ(made.new_keys[0].origin, store::KeyOrigin::imported);
  UserRow known;
  known.id = "usr_1";
  known.member = "aarhus";
  known.name = "Ida";
  known.email = "Ida@Aarhus.example";
  users_ = {known};
  first.email = "ida@aarhus.example";
  const Plan again = plan({first});
  EXPECT_TRUE(again.new_users.empty());
  EXPECT_EQ(again.new_keys[0].user, "usr_1");
  EXPECT_EQ(again.keys[0].user, "Ida");
}

TEST_F(PlanTest, AMembersPolicyBoundsTheLifeOfWhatIsTakenIn) {
  members_[0].policy.key_days_max = 90;
  const WallTime last = now_ + std::chrono::days(90);
  for (const auto& end : {std::optional<WallTime>(), std::optional(last + std::chrono::days(1)),
                          std::optional(last - std::chrono::days(1))}) {
    OldKey one = key("a");
    one.team = "team-1";
    one.expires_at = end;
    const Plan made = plan({one});
    EXPECT_EQ(made.keys.at(0).verdict, Verdict::add);
    const bool sooner = end && *end < last;
    EXPECT_EQ(made.new_keys.at(0).expires_at, sooner ? end : last);
    EXPECT_EQ(made.keys.at(0).why, sooner ? "" : "it will end in 90 days, as the member lets keys live");
  }
}

TEST_F(PlanTest, ChangesNothingTheSecondTime) {
  OldKey one = key("a");
  one.team = "team-1";
  one.user = "ida";
  const Plan first = plan({one});
  keys_ = first.new_keys;
  users_ = first.new_users;
  now_ += 24h;
  const Plan second = plan({one});
  EXPECT_EQ(second.keys[0].verdict, Verdict::here);
  EXPECT_TRUE(second.new_keys.empty() && second.new_users.empty());
  one.team = "";
  one.member = "odense";
  EXPECT_EQ(only(one).verdict, Verdict::bad);
  EXPECT_TRUE(only(one).why.contains("of member 'aarhus'")) << "it is not moved behind anybody's back";
  EXPECT_EQ(first.new_keys[0].id, plan_import(std::vector{one}, mapping_, {members_, {}, {}}, now_).new_keys[0].id);
}

// Found by the fuzzer (fuzz/corpus/key_file/other-row): the first row was refused for its e-mail, until the second had
// made its user.
TEST_F(PlanTest, RefusesARowTheSecondTimeThatItRefusedTheFirst) {
  OldKey bad = key("a"), good = key("b");
  bad.team = good.team = "team-1";
  bad.user = good.user = "ida";
  bad.email = "i\x01";
  const Plan first = plan({bad, good});
  EXPECT_EQ(first.keys[0].verdict, Verdict::bad);
  ASSERT_EQ(first.new_keys.size(), 1u);
  users_ = first.new_users;
  keys_ = first.new_keys;
  EXPECT_TRUE(plan({bad, good}).new_keys.empty());
}

TEST_F(PlanTest, LeavesOutWhatHasExpiredAndBringsBlockedKeysInRevoked) {
  OldKey expired = key("a"), blocked = key("b");
  expired.team = blocked.team = "team-1";
  expired.expires_at = now_;
  blocked.blocked = true;
  blocked.expires_at = now_ + 1h;
  const Plan plan_ = plan({expired, blocked});
  EXPECT_EQ(plan_.keys[0].verdict, Verdict::left_out);
  EXPECT_EQ(plan_.keys[1].verdict, Verdict::add_blocked);
  ASSERT_EQ(plan_.new_keys.size(), 1u);
  EXPECT_EQ(plan_.new_keys[0].revoked_at, now_);
  EXPECT_EQ(plan_.new_keys[0].expires_at, now_ + 1h);
  EXPECT_EQ(plan_.count(Verdict::left_out), 1u);
}

TEST_F(PlanTest, RefusesNamesThatCannotBeShown) {
  OldKey one = key("a");
  one.team = "team-1";
  one.name = "a\tb";
  EXPECT_EQ(only(one).verdict, Verdict::bad);
  EXPECT_TRUE(only(one).why.contains("its name has a control character"));
  one.name = "ok";
  one.user = "a\nb";
  EXPECT_TRUE(only(one).why.contains("its user has a control character"));
  EXPECT_TRUE(plan({one}).new_users.empty());
}

}  // namespace
}  // namespace faelled::key_import
