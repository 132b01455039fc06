#include "gateway/refusal_words.hpp"

#include <gtest/gtest.h>

#include <set>

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
