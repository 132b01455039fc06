#include "gateway/refusal_words.hpp"

#include <gtest/gtest.h>

#include <set>

#include "gateway/fetching_words.hpp"

namespace faelled::gateway {
namespace {

rpc::TicketStatus status_of(rpc::WaitCause cause) {
  rpc::TicketStatus status;
  status.model = "m";
  status.cause = cause;
  status.share_percent = 140;
  status.turn_in = 17s;
  return status;
}

TEST(RefusalWords, SayWhatIsInTheWayAndWhenToTryAgain) {
  const openai::ApiError error = waited_too_long(status_of(rpc::WaitCause::borrowing), "m");
  EXPECT_EQ(error.message,
            "All places of 'm' are in use; your organisation uses 140 % of its share; try again in 20 s.");
  EXPECT_EQ(error.message_da, "Alle pladser på 'm' er i brug; I bruger 140 % af jeres andel; prøv igen om 20 s.");
  EXPECT_EQ(error.retry_after, Duration(20s));
  EXPECT_TRUE(openai::error_body(error).contains("I bruger 140 % af jeres andel"));
}

TEST(RefusalWords, TellHowFarAModelsFileIs) {
  const openai::ApiError error = refusal_error(
      {1, rpc::RefusalCause::model_fetching, 230s, "is being fetched: 37 %, about 4 min", "hentes, 37 %, ca. 4 min"},
      "m");
  EXPECT_EQ(error.status(), 503);
  EXPECT_EQ(error.message, "The model 'm' is being fetched: 37 %, about 4 min; try again then, or choose another one.");
  EXPECT_EQ(error.message_da, "Modellen 'm' hentes, 37 %, ca. 4 min; prøv igen til den tid, eller vælg en anden.");
  EXPECT_EQ(openai::retry_after_header_s(error), 120) << "SDKs wait no longer";
}

TEST(FetchingWords, LeaveOutWhatNobodyKnows) {
  const auto en = [](std::uint64_t bytes, std::uint64_t total, Duration left) {
    return fetching_words(bytes, total, left).en;
  };
  EXPECT_EQ(en(0, 0, {}), "is being fetched");
  EXPECT_EQ(en(379, 1000, {}), "is being fetched: 37 %");
  EXPECT_EQ(en(379, 1000, 200ms), "is being fetched: 37 %, about 10 s");
  EXPECT_EQ(en(379, 1000, 60s), "is being fetched: 37 %, about 60 s");
  EXPECT_EQ(en(379, 1000, 61s), "is being fetched: 37 %, about 2 min");
  EXPECT_EQ(en(379, 1000, 3h), "is being fetched: 37 %, about 3 hours");
  EXPECT_EQ(en(2000, 1000, {}), "is being fetched: 100 %");
  EXPECT_EQ(fetching_words(379, 1000, 3h).da, "hentes, 37 %, ca. 3 timer");
}

TEST(RefusalWords, NeverSendAClientAwayForLongerThanSDKsWait) {
  rpc::TicketStatus status = status_of(rpc::WaitCause::floor_claims);
  status.turn_in = 1h;
  EXPECT_EQ(waited_too_long(status, "m").retry_after, Duration(openai::retry_after_max));
  status.turn_in = {};
  EXPECT_EQ(waited_too_long(status, "m", 7s).retry_after, Duration(7s)) << "a line that has not moved tells nothing";
}

TEST(RefusalWords, HaveASentenceForEachCauseInBothLanguages) {
  std::set<std::string> seen;
  for (const auto cause : {rpc::WaitCause::none, rpc::WaitCause::model_not_ready, rpc::WaitCause::places,
                           rpc::WaitCause::colleagues, rpc::WaitCause::floor_claims, rpc::WaitCause::borrowing}) {
    const Words words = words_of(status_of(cause));
    EXPECT_TRUE(seen.insert(words.en).second && seen.insert(words.da).second) << words.en;
  }
}

}  // namespace
}  // namespace faelled::gateway
