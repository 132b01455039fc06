#include "sim/what_if.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace faelled::sim {
namespace {

// A request of 100 tokens read and 50 written, which took a second on its place: 10 ms a token written.
Recorded row(Duration at, std::string member, std::string caller) {
  return {at, std::move(member), std::move(caller), "m", true, 100, 50, {}, 1s};
}

// Everybody of two members asks once a minute for an hour.
WhatIf an_hour() {
  WhatIf question;
  question.window = 1h;
  question.others.wait_max = 120s;
  question.models = {{"m", 2}};
  for (int minute = 0; minute < 60; ++minute) {
    question.recorded.push_back(row(1min * minute, "aarhus", "ida"));
    question.recorded.push_back(row(1min * minute + 20s, "odense", "per"));
  }
  question.member = "aarhus";
  return question;
}

const WhatIfAnswer::Member& member(const WhatIfAnswer& answer, std::string_view id) {
  return *std::ranges::find(answer.members, id, &WhatIfAnswer::Member::id);
}

TEST(WhatIf, MeasuresPlacesAndSpeedsFromWhatWasRecorded) {
  WhatIf question = an_hour();
  question.models = {};
  for (int at = 0; at < 100; ++at) {  // 1 ms a token read, 20 ms one written
    const std::uint32_t in = 50 + at * 7 % 400, out = 20 + at * 13 % 200;
    question.recorded.push_back(
        {1min * 70 + 10s * at, "odense", "per", "big", true, in, out, 2s, 1ms * in + 20ms * out});
  }
  question.recorded.push_back({1min * 70 + 2100ms, "odense", "per", "big", true, 100, 100, {}, 2100ms});
  const auto answer = what_if(question);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->models.size(), 2U);
  EXPECT_EQ(answer->models[0].model, "big");
  EXPECT_EQ(answer->models[0].places, 2U) << "as many as were busy at once";
  EXPECT_NEAR(answer->models[0].input_token_s, 0.001, 1e-6);
  EXPECT_NEAR(answer->models[0].output_token_s, 0.02, 1e-6);
  EXPECT_TRUE(answer->models[0].measured);
  EXPECT_EQ(answer->models[1].places, 1U);
  EXPECT_NEAR(answer->models[1].input_token_s * 100 + answer->models[1].output_token_s * 50, 1, 1e-9)
      << "together as long as it took, however it is divided";
}

TEST(WhatIf, ChangesNothingWhereNothingIsAdded) {
  const auto answer = what_if(an_hour());
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->members.size(), 2U);
  for (const auto& one : answer->members) {
    EXPECT_EQ(one.before.requests, 60U);
    EXPECT_EQ(one.after.requests, 60U);
    EXPECT_EQ(one.before.demanded, 60U * 200);
    EXPECT_EQ(one.after.served, 60U * 200);
    EXPECT_EQ(one.before.wait_p95, one.after.wait_p95);
    EXPECT_LT(one.before.wait_p95.value(), 1ms);
  }
}

TEST(WhatIf, LetsTheGreedyWaitAndNotTheModest) {
  WhatIf question = an_hour();
  question.users_more = 200;  // 201 requests a minute on two places that do 120
  const auto answer = what_if(question);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->users, 1U);
  const auto& aarhus = member(*answer, "aarhus");
  const auto& odense = member(*answer, "odense");
  EXPECT_EQ(aarhus.after.requests, 201U * 60);
  EXPECT_GT(aarhus.after.unserved, 1000U);
  EXPECT_GT(aarhus.after.wait_p95.value(), 60s);
  EXPECT_EQ(odense.after.unserved, 0U);
  EXPECT_LT(odense.after.wait_p95.value(), 3s) << "one running request and a turn";
  EXPECT_EQ(odense.before.demanded, odense.after.demanded);
}

TEST(WhatIf, MultipliesAMembersDemandAndTakesSomeAway) {
  WhatIf question = an_hour();
  question.factor = 2.5;
  auto answer = what_if(question);
  ASSERT_TRUE(answer);
  EXPECT_EQ(member(*answer, "aarhus").after.requests, 150U);
  EXPECT_EQ(member(*answer, "odense").after.requests, 60U);
  question.factor = 0;
  answer = what_if(question);
  ASSERT_TRUE(answer);
  EXPECT_EQ(member(*answer, "aarhus").after.requests, 0U);
  EXPECT_FALSE(member(*answer, "aarhus").after.wait_p50);
}

TEST(WhatIf, TakesThePeopleOfAllAsPatternForAMemberThatNeverAsked) {
  WhatIf question = an_hour();
  question.recorded.push_back({1s, "odense", "journal", "m", false, 100, 50, {}, 1s});
  question.member = "samso";
  question.users_more = 3;
  const auto answer = what_if(question);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->users, 2U) << "people, not systems";
  EXPECT_EQ(member(*answer, "samso").before.requests, 0U);
  EXPECT_EQ(member(*answer, "samso").after.requests, 180U);
}

TEST(WhatIf, CountsWhoWasRefusedAsDemandOfTheUsualSize) {
  WhatIf question = an_hour();
  question.recorded.push_back({1s, "aarhus", "ida", "m", true, 0, 0, {}, {}});
  const auto answer = what_if(question);
  ASSERT_TRUE(answer);
  EXPECT_EQ(member(*answer, "aarhus").before.demanded, 61U * 200);
}

TEST(WhatIf, AnswersNothingOfNothingAndRefusesTooMuch) {
  WhatIf question;
  question.member = "aarhus";
  question.users_more = 200;
  const auto nothing = what_if(question);
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->members.empty());
  question = an_hour();
  question.users_more = limits::what_if_requests_max;
  EXPECT_EQ(what_if(question).error().code, Errc::too_large);
}

}  // namespace
}  // namespace faelled::sim
