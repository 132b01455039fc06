#include "node/upstream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faelled::node {
namespace {

using rpc::EngineState;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
namespace ev = upstream_event;

class UpstreamTest : public testing::Test {
 protected:
  std::vector<UpstreamAction> tell(const UpstreamEvent& event) { return upstream.step(clock.now(), event); }
  std::vector<UpstreamAction> wake() {
    clock.advance(upstream.wake() - clock.now());
    return tell(ev::Tick{});
  }
  ManualClock clock;
  Upstream upstream{{}, 1};
};

TEST_F(UpstreamTest, IsTakenForReadyAndAskedOnce) {
  EXPECT_EQ(tell(ev::Begin{}), (std::vector{UpstreamAction::probe, UpstreamAction::report}));
  EXPECT_EQ(upstream.state(), EngineState::ready);
  tell(ev::Answered{200});
  EXPECT_EQ(upstream.state(), EngineState::ready);
  EXPECT_EQ(upstream.wake(), Instant::max()) << "it works: leave it alone";
}

TEST_F(UpstreamTest, NeedsNoListOfModels) {
  tell(ev::Begin{});
  tell(ev::Answered{404});
  EXPECT_EQ(upstream.state(), EngineState::ready);
}

TEST_F(UpstreamTest, IsAskedAgainUntilItIsBack) {
  tell(ev::Begin{});
  tell(ev::NoAnswer{"connection refused"});
  EXPECT_EQ(upstream.state(), EngineState::starting) << "those who wait may wait a little";
  for (int i = 0; i < 8; ++i) {
    EXPECT_THAT(wake(), Contains(UpstreamAction::probe));
    tell(ev::NoAnswer{"connection refused"});
  }
  EXPECT_EQ(upstream.state(), EngineState::failed);
  EXPECT_THAT(upstream.detail(), HasSubstr("refused"));
  EXPECT_LE(upstream.wake() - clock.now(), 36s);
  wake();
  EXPECT_THAT(tell(ev::Answered{200}), Contains(UpstreamAction::report));
  EXPECT_EQ(upstream.state(), EngineState::ready);
  EXPECT_TRUE(upstream.detail().empty());
}

TEST_F(UpstreamTest, SaysAtOnceThatOurKeyIsRefused) {
  tell(ev::Begin{});
  tell(ev::Answered{401});
  EXPECT_EQ(upstream.state(), EngineState::failed);
  EXPECT_THAT(upstream.detail(), HasSubstr("key"));
}

TEST_F(UpstreamTest, IsAskedAfterAFaultAndStaysReadyMeanwhile) {
  tell(ev::Begin{});
  tell(ev::Answered{200});
  EXPECT_THAT(tell(ev::LookNow{}), Contains(UpstreamAction::probe));
  EXPECT_EQ(upstream.state(), EngineState::ready);
  EXPECT_THAT(tell(ev::LookNow{}), Not(Contains(UpstreamAction::probe))) << "one question at a time";
}

TEST_F(UpstreamTest, AsksNothingAfterAStop) {
  tell(ev::Begin{});
  tell(ev::Stop{});
  EXPECT_TRUE(upstream.ended());
  EXPECT_TRUE(tell(ev::LookNow{}).empty());
  EXPECT_EQ(upstream.state(), EngineState::absent);
}

}  // namespace
}  // namespace faelled::node
