// Invariant: audited. Invariant: promised is promised. Agreements as the Directory has them: over a store, across
// restarts, with their audit rows.
#include "members/agreements.hpp"

#include <algorithm>

#include "base/day.hpp"
#include "members/server_run_testing.hpp"

namespace faelled::members {
namespace {

class AgreementsTest : public DirectoryTest {
 protected:
  AgreementsTest() : run_(folder_ / "faelled.db") {
    EXPECT_TRUE(run_.load());
    for (const char* id : {"aarhus", "ribe"}) EXPECT_TRUE(run_->ensure_member(id, id, run_.now()));
    operator_ = *run_.add_user("aarhus", {"Per", store::Role::operator_}, run_.now());
    admin_ = *run_.add_user("aarhus", {"Ada", store::Role::member_admin}, run_.now());
    run_->agreements().on_change([this] { ++changes_; });
  }

  AgreementWish wish(std::int64_t share = 20) const {
    AgreementWish out;
    out.whole = true;
    out.tiers = {{"stor", "Stor", share, 8, 60, {"gemma"}, 199'800}};
    out.agreements = {{"aarhus", "stor", std::chrono::floor<std::chrono::days>(run_.now())}};
    return out;
  }
  Expected<AgreementPlan> carry_out(AgreementWish wish, Act act, std::string plan = {}) {
    return run_.loop().result_of<AgreementPlan>([&](auto then) {
      run_->agreements().carry_out(std::move(wish), facts_, std::move(plan), std::move(act), std::move(then));
    });
  }
  Terms terms(std::string_view member) { return run_->agreements().terms(member, run_.now()); }

  ServerRun run_;
  AgreementFacts facts_{[](std::string_view id) { return id == "gemma"; },
                        [] { return std::vector<std::string>{"gemma"}; }, 100};
  UserRow operator_, admin_;
  int changes_ = 0;
};

TEST_F(AgreementsTest, AMemberWithoutOneHasTheDefaults) {
  EXPECT_EQ(terms("aarhus"), Terms());
  EXPECT_EQ(terms("nobody"), Terms());
  EXPECT_EQ(terms("aarhus").share, 1U);
  EXPECT_EQ(terms("aarhus").wait, std::nullopt);
}

TEST_F(AgreementsTest, CountFromWhenTheyAreDurableAndAreThereAfterARestart) {
  const auto done = carry_out(wish(), run_.now());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(changes_, 1);
  const Terms had = terms("aarhus");
  EXPECT_EQ(had.share, 20U);
  EXPECT_EQ(had.places, 8U);
  EXPECT_EQ(had.wait, 60s);
  EXPECT_EQ(had.models, std::vector<std::string>{"gemma"});
  EXPECT_EQ(had.tier, "stor");
  EXPECT_EQ(had.agreement, done->steps.back().after->id);
  EXPECT_TRUE(had.agreement.starts_with("agr_"));
  EXPECT_EQ(terms("ribe"), Terms());
  ServerRun later(folder_ / "faelled.db");
  ASSERT_TRUE(later.load());
  EXPECT_EQ(later->agreements().terms("aarhus", later.now()), had);
  EXPECT_EQ(later->agreements().tiers(), run_->agreements().tiers());
}

TEST_F(AgreementsTest, AreFollowedByOthersAndNeverChanged) {
  const std::string first = carry_out(wish(), run_.now())->steps.back().after->id;
  run_.advance(1h);
  const auto changed = carry_out(wish(40), run_.act_of(operator_));
  ASSERT_TRUE(changed);
  EXPECT_EQ(terms("aarhus").share, 40U);
  const auto history = run_.store().wait_for([](store::Store& s) { return s.agreement_history("aarhus", "", 10); });
  ASSERT_EQ(history->rows.size(), 2U);
  EXPECT_EQ(history->rows[0].follows, first);
  EXPECT_EQ(history->rows[0].made_by, operator_.id);
  EXPECT_EQ(history->rows[1].ended_by, operator_.id);
  EXPECT_EQ(history->rows[1].ended_at, run_.now());
  EXPECT_EQ(history->rows[1].share, 20U);
  EXPECT_EQ(run_->agreements().open("aarhus", run_.now()), std::vector{history->rows[0]});
}

TEST_F(AgreementsTest, LeaveAnAuditRowForEachStep) {
  ASSERT_TRUE(carry_out(wish(), run_.act_of(operator_)));
  run_.advance(1s);
  ASSERT_TRUE(carry_out(wish(40), run_.act_of(operator_)));
  run_.advance(1s);
  AgreementWish nothing;
  nothing.whole = true;
  ASSERT_TRUE(carry_out(nothing, run_.act_of(operator_)));
  std::vector<std::string> actions;
  for (const store::AuditRow& row : run_.audit({.actor = operator_.id})) actions.push_back(row.action);
  std::ranges::reverse(actions);
  EXPECT_EQ(actions, (std::vector<std::string>{"tier.create", "agreement.begin", "tier.update", "agreement.change",
                                               "tier.remove", "agreement.end"}));
  const auto changed = run_.audit({.member = "aarhus", .action = "agreement.change"});
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_TRUE(changed[0].before.contains(R"("share":20)")) << changed[0].before;
  EXPECT_TRUE(changed[0].after.contains(R"("share":40)")) << changed[0].after;
  EXPECT_FALSE(changed[0].after.contains("places")) << "what is the same is not repeated";
  EXPECT_EQ(terms("aarhus"), Terms());
}

TEST_F(AgreementsTest, ASecondTimeDoesNothing) {
  ASSERT_TRUE(carry_out(wish(), run_.now()));
  const std::size_t rows = run_.audit().size();
  run_.advance(1h);
  const auto again = carry_out(wish(), run_.now());
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->steps.empty());
  EXPECT_EQ(run_.audit().size(), rows);
  EXPECT_EQ(changes_, 1);
}

TEST_F(AgreementsTest, AreMadeByOperatorsAloneAndByThePlanThatWasShown) {
  EXPECT_EQ(carry_out(wish(), run_.act_of(admin_)).error().code, Errc::forbidden);
  const std::string shown = run_->agreements().plan(wish(), facts_, run_.now()).id;
  ASSERT_TRUE(carry_out(wish(), run_.now(), shown));
  const std::string next = run_->agreements().plan(wish(40), facts_, run_.now()).id;
  ASSERT_TRUE(carry_out(wish(30), run_.now()));
  EXPECT_EQ(carry_out(wish(40), run_.now(), next).error().code, Errc::conflict);
  EXPECT_EQ(terms("aarhus").share, 30U);
  EXPECT_EQ(carry_out(wish(0), run_.now()).error().code, Errc::invalid);
}

TEST_F(AgreementsTest, AreAllMadeOrNone) {
  ASSERT_TRUE(carry_out(wish(), run_.now()));
  // As another server on the database would, behind our back.
  ASSERT_TRUE(run_.store().wait_for([&](store::Store& s) {
    store::AgreementRow row;
    row.id = "agr_other";
    row.member = "ribe";
    row.tier = "stor";
    row.from = std::chrono::floor<std::chrono::days>(run_.now());
    row.begins_at = row.made_at = run_.now();
    return s.add_agreement(row);
  }));
  AgreementWish both = wish(40);
  both.agreements.push_back({"ribe", "stor", std::chrono::floor<std::chrono::days>(run_.now())});
  const std::size_t rows = run_.audit().size();
  const auto refused = carry_out(both, run_.now());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_TRUE(refused.error().message.contains("ribe"));
  EXPECT_EQ(terms("aarhus").share, 20U);
  EXPECT_EQ(run_->agreements().tier("stor")->share, 20U);
  EXPECT_EQ(run_.audit().size(), rows);
}

TEST_F(AgreementsTest, BeginAndRunOutByThemselves) {
  const Day today = std::chrono::floor<std::chrono::days>(run_.now());
  AgreementWish wished = wish();
  wished.agreements[0].until = today + std::chrono::days(1);
  wished.agreements.push_back({"aarhus", "stor", today + std::chrono::days(3)});
  wished.agreements[1].share = 5;
  ASSERT_TRUE(carry_out(wished, run_.now()));
  const Agreements& all = run_->agreements();
  const auto share_at = [&](WallTime at) { return all.terms("aarhus", at).share; };
  EXPECT_EQ(share_at(run_.now()), 20U);
  EXPECT_EQ(all.next_change(run_.now()), WallTime(today + std::chrono::days(2)));
  EXPECT_EQ(share_at(WallTime(today + std::chrono::days(2)) - 1us), 20U);
  EXPECT_EQ(share_at(WallTime(today + std::chrono::days(2))), 1U);
  EXPECT_EQ(all.next_change(WallTime(today + std::chrono::days(2))), WallTime(today + std::chrono::days(3)));
  EXPECT_EQ(share_at(WallTime(today + std::chrono::days(3))), 5U);
  EXPECT_EQ(all.next_change(WallTime(today + std::chrono::days(3))), std::nullopt);
}

TEST_F(AgreementsTest, HearOfWhatAnotherServerDid) {
  ASSERT_TRUE(carry_out(wish(), run_.now()));
  store::Changes changes;
  store::AgreementRow ended = run_->agreements().open("aarhus", run_.now()).at(0);
  ended.ended_at = run_.now();
  store::AgreementRow next = ended;
  next.id = "agr_next";
  next.share = 77;
  next.ended_at.reset();
  changes.agreements = {ended, next};
  changes.tiers.emplace();
  run_->agreements().know(changes);
  EXPECT_EQ(terms("aarhus").share, 77U);
  EXPECT_TRUE(run_->agreements().tiers().empty());
  EXPECT_EQ(changes_, 2);
  run_->agreements().know(store::Changes{});
  EXPECT_EQ(changes_, 2) << "nothing was told";
}

}  // namespace
}  // namespace faelled::members
