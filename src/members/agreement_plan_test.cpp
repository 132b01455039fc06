#include "members/agreement_plan.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/day.hpp"

namespace faelled::members {
namespace {

Day day(std::string_view text) { return day_of(text).value(); }

// What is there, and what the steps of a plan make of it: as a server does, without its store.
class World {
 public:
  WallTime now{day("2026-03-10") + std::chrono::hours(9)};
  std::set<std::string, std::less<>> models{"gemma", "qwen"};
  AgreementFacts facts{[this](std::string_view id) { return models.contains(id); },
                       [this] { return std::vector<std::string>(models.begin(), models.end()); }, 100};
  std::map<std::string, TierRow, std::less<>> tiers;
  std::map<std::string, std::vector<AgreementRow>, std::less<>> agreements;

  AgreementPlan plan(const AgreementWish& wish) const {
    return plan_agreements(wish, {tiers, agreements, [](std::string_view id) { return id != "nobody"; }}, facts, now);
  }

  AgreementPlan apply(const AgreementWish& wish) {
    AgreementPlan done = plan(wish);
    for (PlanStep& step : done.steps) {
      if (step.tier_after) {
        tiers.insert_or_assign(step.tier_after->id, *step.tier_after);
      } else if (step.tier_before) {
        tiers.erase(step.tier_before->id);
      }
      if (step.before)
        for (AgreementRow& row : agreements[step.before->member])
          if (row.id == step.before->id) row.ended_at = now;
      if (step.after) {
        step.after->id = "agr_" + std::to_string(++made_);
        step.after->made_at = now;
        agreements[step.after->member].push_back(*step.after);
      }
    }
    return done;
  }

  const AgreementRow& in_force(const std::string& member) const {
    for (const AgreementRow& row : agreements.at(member))
      if (members::in_force(row, now)) return row;
    throw std::runtime_error(member + " has none");
  }

 private:
  int made_ = 0;
};

WishedTier tier(std::string id, std::optional<std::int64_t> share = 20, std::int64_t places = 8) {
  WishedTier out;
  out.id = std::move(id);
  out.share = share;
  out.places = places;
  out.wait_s = 60;
  out.fee_ore = 199'800;
  return out;
}

WishedAgreement agreement(std::string member, std::string of = "stor", std::string_view from = "2026-01-01") {
  WishedAgreement out;
  out.member = std::move(member);
  out.tier = std::move(of);
  out.from = day(from);
  return out;
}

AgreementWish wish(std::vector<WishedTier> tiers, std::vector<WishedAgreement> agreements) {
  AgreementWish out;
  out.whole = true;
  out.tiers = std::move(tiers);
  out.agreements = std::move(agreements);
  return out;
}

std::string kinds(const AgreementPlan& plan) {
  std::string out;
  for (const PlanStep& step : plan.steps) out += (out.empty() ? "" : " ") + std::string(name_of(step.kind));
  return out;
}

std::string places_of(const std::vector<PlanNote>& notes) {
  std::string out;
  for (const PlanNote& note : notes) out += (out.empty() ? "" : " ") + note.at;
  return out;
}

TEST(AgreementPlan, FreezesWhatTheTierSaysIntoTheAgreement) {
  World world;
  const AgreementWish wished =
      wish({tier("stor"), tier("lille", 10, 2)}, {agreement("aarhus"), agreement("ribe", "lille")});
  EXPECT_EQ(kinds(world.apply(wished)), "add_tier add_tier begin begin");
  const AgreementRow& row = world.in_force("aarhus");
  EXPECT_EQ(row.share, 20U);
  EXPECT_EQ(row.places, 8U);
  EXPECT_EQ(row.wait_s, 60U);
  EXPECT_EQ(row.fee_ore, 199'800);
  EXPECT_EQ(row.begins_at, world.now) << "nobody is promised anything in the past";
  AgreementWish other = AgreementWish{};
  other.tiers = {tier("stor", 99)};
  EXPECT_EQ(kinds(world.apply(other)), "change_tier");
  EXPECT_EQ(world.in_force("aarhus").share, 20U) << "what was promised stays promised";
}

TEST(AgreementPlan, OfWhatIsThereAlreadyHasNoSteps) {
  World world;
  WishedAgreement whole = agreement("aarhus");
  whole.until = day("2026-12-31");
  whole.share = 5;
  whole.places = 3;
  whole.wait_s = 9;
  whole.models = {{"qwen", "gemma", "qwen"}};
  whole.fee_ore = 0;
  whole.suspended = true;
  whole.reason_da = "Ubetalt";
  whole.reason_en = "Unpaid";
  const AgreementWish wished =
      wish({tier("stor")}, {whole, agreement("ribe"), agreement("ribe2", "stor", "2026-06-01")});
  EXPECT_FALSE(world.apply(wished).id.empty());
  const AgreementPlan again = world.plan(wished);
  EXPECT_EQ(kinds(again), "");
  EXPECT_EQ(again.id, "");
  world.now += std::chrono::days(200);
  EXPECT_EQ(kinds(world.plan(wished)), "") << "nor later";
}

TEST(AgreementPlan, EndsWhatChangesAndLetsAnotherFollow) {
  World world;
  AgreementWish wished = wish({tier("stor")}, {agreement("aarhus"), agreement("ribe")});
  world.apply(wished);
  const std::string first = world.in_force("aarhus").id;
  world.now += std::chrono::hours(1);
  wished.agreements[0].share = 40;
  const AgreementPlan changed = world.apply(wished);
  ASSERT_EQ(kinds(changed), "change");
  EXPECT_EQ(changed.steps[0].before->share, 20U);
  EXPECT_EQ(changed.steps[0].after->share, 40U);
  EXPECT_EQ(changed.steps[0].after->follows, first);
  EXPECT_EQ(world.in_force("aarhus").begins_at, world.now);
  ASSERT_EQ(world.agreements["aarhus"].size(), 2U);
  EXPECT_EQ(world.agreements["aarhus"][0].share, 20U) << "what was promised before is still there to read";
  world.now += std::chrono::hours(1);
  EXPECT_EQ(world.in_force("aarhus").share, 40U);
}

TEST(AgreementPlan, EndsWhatAWholeFileNamesNoMore) {
  World world;
  world.apply(wish({tier("stor"), tier("lille")}, {agreement("aarhus"), agreement("ribe", "lille")}));
  const AgreementPlan fewer = world.apply(wish({tier("stor")}, {agreement("aarhus")}));
  EXPECT_EQ(kinds(fewer), "remove_tier end");
  ASSERT_EQ(fewer.warnings.size(), 1U);
  EXPECT_TRUE(fewer.warnings[0].message.contains("ribe has no agreement"));
  EXPECT_TRUE(fewer.warnings[0].message_da.contains("ribe har så ingen aftale"));
}

TEST(AgreementPlan, LeavesOthersAloneWhereOneIsWished) {
  World world;
  world.apply(wish({tier("stor")}, {agreement("aarhus"), agreement("ribe")}));
  AgreementWish one;
  one.agreements = {agreement("odense")};
  EXPECT_EQ(kinds(world.apply(one)), "begin");
  one.agreements = {};
  one.ended = {world.in_force("ribe").id};
  EXPECT_EQ(kinds(world.apply(one)), "end");
  EXPECT_EQ(places_of(world.plan(one).problems), "ended") << "it has ended";
  AgreementWish replacing;
  replacing.agreements = {agreement("odense", "stor", "2026-02-01")};
  EXPECT_EQ(places_of(world.plan(replacing).problems), "agreements[0]") << "it overlaps";
  replacing.agreements[0].replaces = world.in_force("odense").id;
  EXPECT_EQ(kinds(world.apply(replacing)), "change");
  EXPECT_EQ(places_of(world.plan(replacing).problems), "agreements[0].replaces") << "it is not there any more";
}

TEST(AgreementPlan, LetsTheNextYearFollowThisOne) {
  World world;
  world.apply(wish({tier("stor")}, {agreement("aarhus")}));
  WishedAgreement this_year = agreement("aarhus"), next = agreement("aarhus", "stor", "2027-01-01");
  this_year.until = day("2026-12-31");
  next.share = 30;
  const AgreementWish both = wish({tier("stor")}, {next, this_year});
  EXPECT_EQ(kinds(world.apply(both)), "change begin");
  EXPECT_EQ(world.in_force("aarhus").share, 20U);
  world.now = day("2026-12-31") + std::chrono::hours(23);
  EXPECT_EQ(world.in_force("aarhus").share, 20U) << "until is the last day";
  world.now = day("2027-01-01");
  EXPECT_EQ(world.in_force("aarhus").share, 30U);
  const AgreementPlan later = world.plan(both);
  EXPECT_EQ(kinds(later), "");
  EXPECT_EQ(later.over, 1U) << "a file may keep what was";
}

TEST(AgreementPlan, ChangesTheDayOfABeginInTheWholeFile) {
  World world;
  world.apply(wish({tier("stor")}, {agreement("aarhus"), agreement("ribe", "stor", "2026-06-01")}));
  const AgreementPlan moved = world.plan(
      wish({tier("stor")}, {agreement("aarhus", "stor", "2026-02-01"), agreement("ribe", "stor", "2026-07-01")}));
  EXPECT_EQ(kinds(moved), "change change");
  EXPECT_EQ(kinds(world.plan(wish(
                {tier("stor")}, {agreement("aarhus", "stor", "2026-07-01"), agreement("ribe", "stor", "2026-06-01")}))),
            "begin end")
      << "what begins later takes the place of nothing today";
}

TEST(AgreementPlan, ReckonsSharesAndFeesByKeysOfTheirOwn) {
  World world;
  AgreementWish wished = wish({tier("stor")}, {agreement("aarhus"), agreement("ribe"), agreement("odense")});
  wished.agreements[2].share = 7;
  wished.share_by.kind = KeyKind::size_class;
  wished.share_by.bands = {{25'000, 22}, {std::nullopt, 52}};
  wished.fee_by.kind = KeyKind::inhabitants;
  wished.fee_by.each = 10;
  wished.inhabitants = {{"aarhus", 300'000}, {"ribe", 8'000}, {"odense", 200'000}};
  world.apply(wished);
  EXPECT_EQ(world.in_force("aarhus").share, 52U);
  EXPECT_EQ(world.in_force("aarhus").fee_ore, 3'000'000);
  EXPECT_EQ(world.in_force("aarhus").inhabitants, 300'000U);
  EXPECT_EQ(world.in_force("ribe").share, 22U);
  EXPECT_EQ(world.in_force("odense").share, 7U) << "what the agreement says itself counts";
  wished.inhabitants["ribe"] = 9'000;
  wished.fee_by = {};
  wished.inhabitants["aarhus"] = 301'000;
  EXPECT_EQ(kinds(world.plan(wished)), "change change change") << "the fees";
  wished.inhabitants.erase("ribe");
  const AgreementPlan missing = world.plan(wished);
  EXPECT_EQ(places_of(missing.problems), "agreements[1].share");
  EXPECT_TRUE(missing.problems[0].message.contains("inhabitants"));
}

TEST(AgreementPlan, TellsEveryMistakeAtOnceAndDoesNothing) {
  World world;
  AgreementWish wished = wish({tier("stor", 0, -1), tier("ok", {}), tier("ok"), tier("no id"), tier("dear")},
                              {agreement("nobody"), agreement("aarhus", "sotr"), agreement("ribe", "ok"),
                               agreement("odense", "dear"), agreement("vejle", "dear")});
  wished.tiers[4].models = {"llama"};
  wished.tiers[4].fee_ore = -5;
  wished.agreements[4].until = day("2025-12-31");
  EXPECT_EQ(places_of(world.plan(wished).problems),
            "tiers[0].share tiers[0].places tiers[2].id tiers[3].id tiers[4].fee_ore tiers[4].models "
            "agreements[0].member agreements[1].tier")
      << "what follows from a mistake is not told";
  EXPECT_TRUE(world.plan(wished).steps.empty());
  for (const PlanNote& note : world.plan(wished).problems) {
    EXPECT_FALSE(note.message.empty());
    EXPECT_FALSE(note.message_da.empty());
  }
}

TEST(AgreementPlan, SaysInBothLanguagesHowManyModelsThereCanBe) {
  World world;
  AgreementWish wished = wish({tier("stor")}, {});
  for (int model = 0; model < 501; ++model) wished.tiers[0].models.push_back("m" + std::to_string(model));
  const AgreementPlan plan = world.plan(wished);
  ASSERT_EQ(places_of(plan.problems), "tiers[0].models");
  EXPECT_TRUE(plan.problems[0].message.contains("at most 500")) << plan.problems[0].message;
  EXPECT_TRUE(plan.problems[0].message_da.contains("højst 500")) << plan.problems[0].message_da;
}

TEST(AgreementPlan, NamesSomeOfTheModelsThereAreToWhoeverNamedNone) {
  World world;
  AgreementWish wished = wish({tier("stor")}, {});
  wished.tiers[0].models = {"gema"};
  EXPECT_TRUE(world.plan(wished).problems.at(0).message.ends_with("there are: gemma, qwen"));
  for (int model = 0; model < 100'000; ++model) world.models.insert("m" + std::to_string(model));
  EXPECT_LT(world.plan(wished).problems.at(0).message.size(), 400U);
  EXPECT_TRUE(world.plan(wished).problems.at(0).message_da.ends_with(", …"));
}

TEST(AgreementPlan, RefusesSharesThatAreNone) {
  World world;
  for (const auto& [share, fits] : {std::pair<std::optional<std::int64_t>, bool>{0, false},
                                    {-3, false},
                                    {1'000'001, false},
                                    {std::nullopt, false},
                                    {1, true},
                                    {1'000'000, true}}) {
    AgreementWish wished = wish({tier("bare", {})}, {agreement("aarhus", "bare")});
    wished.agreements[0].share = share;
    EXPECT_EQ(places_of(world.plan(wished).problems), fits ? "" : "agreements[0].share");
  }
}

TEST(AgreementPlan, RefusesPeriodsThatCannotBe) {
  World world;
  AgreementWish wished = wish({tier("stor")}, {agreement("aarhus", "stor", "2026-05-01")});
  wished.agreements[0].until = day("2026-04-30");
  EXPECT_EQ(places_of(world.plan(wished).problems), "agreements[0].until");
  wished.agreements[0].until = day("2026-05-01");
  EXPECT_EQ(places_of(world.plan(wished).problems), "") << "one day";
  wished.agreements.push_back(agreement("aarhus", "stor", "2026-05-01"));
  EXPECT_EQ(places_of(world.plan(wished).problems), "agreements[1]");
  wished.agreements[1].from = day("2026-05-02");
  EXPECT_EQ(places_of(world.plan(wished).problems), "");
  wished.agreements[0].until.reset();
  const AgreementPlan open_ended = world.plan(wished);
  EXPECT_EQ(places_of(open_ended.problems), "agreements[1]");
  EXPECT_TRUE(open_ended.problems[0].message.contains("agreements[0]"));
  AgreementWish past;
  past.tiers = {tier("stor")};
  past.agreements = {agreement("aarhus")};
  past.agreements[0].until = day("2026-03-09");
  EXPECT_EQ(places_of(world.plan(past).problems), "agreements[0].until") << "it would be over";
}

TEST(AgreementPlan, WantsAReasonForASuspensionInBothLanguages) {
  World world;
  AgreementWish wished = wish({tier("stor")}, {agreement("aarhus")});
  wished.agreements[0].suspended = true;
  EXPECT_EQ(places_of(world.plan(wished).problems), "agreements[0].reason_da agreements[0].reason_en");
  wished.agreements[0].reason_da = "Regningen er ikke betalt.";
  wished.agreements[0].reason_en = "The invoice is not paid.";
  EXPECT_EQ(kinds(world.apply(wished)), "add_tier begin");
  EXPECT_TRUE(terms_of(world.in_force("aarhus")).suspended);
  EXPECT_EQ(terms_of(world.in_force("aarhus")).reason_da, "Regningen er ikke betalt.");
  wished.agreements[0].suspended = false;
  EXPECT_EQ(places_of(world.plan(wished).problems), "agreements[0].reason_da agreements[0].reason_en");
}

TEST(AgreementPlan, ScalesMorePlacesThanThereAreInProportionAndSaysSo) {
  World world;
  world.facts.places = 16;
  const AgreementWish wished = wish({tier("stor", 20, 64), tier("lille", 10, 8), tier("fri", 1, 0)},
                                    {agreement("aarhus"), agreement("ribe", "lille")});
  const AgreementPlan plan = world.apply(wished);
  ASSERT_EQ(plan.warnings.size(), 1U);
  EXPECT_TRUE(plan.warnings[0].message.contains("up to 64 places are promised and there are 16"))
      << plan.warnings[0].message;
  EXPECT_TRUE(plan.warnings[0].message_da.contains("op til 64 pladser, og der er 16")) << plan.warnings[0].message_da;
  EXPECT_TRUE(plan.warnings[0].message.contains("lille 8 → 2, stor 64 → 16")) << plan.warnings[0].message;
  EXPECT_TRUE(plan.places.too_much());
  EXPECT_EQ(plan.places.of(64), 16U);
  EXPECT_EQ(plan.places.of(8), 2U) << "an eighth of the largest, as was promised";
  EXPECT_EQ(plan.places.of(1), 1U) << "never nothing";
  EXPECT_EQ(plan.places.of(0), 0U) << "no limit is no limit";
  world.facts.places = 0;
  EXPECT_TRUE(world.plan(wished).warnings.empty()) << "nobody knows yet how many there are";
  world.facts.places = 64;
  EXPECT_FALSE(world.plan(wished).places.too_much());
}

TEST(AgreementPlan, IsAnotherOneWhereSomethingHasChanged) {
  World world;
  const AgreementWish wished = wish({tier("stor")}, {agreement("aarhus")});
  const std::string id = world.plan(wished).id;
  world.now += std::chrono::hours(1);
  EXPECT_EQ(world.plan(wished).id, id) << "time alone changes nothing";
  AgreementWish other;
  other.tiers = {tier("stor", 21)};
  world.apply(other);
  EXPECT_NE(world.plan(wished).id, id);
}

}  // namespace
}  // namespace faelled::members
