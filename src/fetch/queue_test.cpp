#include "fetch/queue.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace faelled::fetch {
namespace {

const Failure network{Fault::later, "the network", {}};
const Failure lie{Fault::wrong, "a lie", {}};

TEST(Queue, FetchesOneAtATimeInTheOrderWanted) {
  ManualClock clock;
  Queue queue;
  queue.want("a", clock.now());
  queue.want("b", clock.now());
  EXPECT_EQ(queue.begin(clock.now()), "a");
  EXPECT_EQ(queue.begin(clock.now()), std::nullopt);
  EXPECT_EQ(queue.wake(), Instant::max());
  queue.ended(std::nullopt, 100, clock.now());
  EXPECT_EQ(queue.find("a"), nullptr);
  EXPECT_EQ(queue.begin(clock.now()), "b");
}

TEST(Queue, PutsFirstWhatSomebodyWaitsFor) {
  ManualClock clock;
  Queue queue;
  for (const char* model : {"a", "b", "c"}) queue.want(model, clock.now());
  EXPECT_EQ(queue.begin(clock.now()), "a");
  queue.hurry("c");
  queue.ended(std::nullopt, 100, clock.now());
  EXPECT_EQ(queue.begin(clock.now()), "c");
}

TEST(Queue, WaitsLongerAfterEachTryThatBroughtNothing) {
  ManualClock clock;
  Queue queue;
  queue.want("a", clock.now());
  Duration pause = limits::fetch_retry_first;
  for (int i = 0; i < 4; ++i, pause *= 2) {
    ASSERT_EQ(queue.begin(clock.now()), "a");
    queue.ended(network, 0, clock.now());
    EXPECT_EQ(queue.begin(clock.now()), std::nullopt);
    EXPECT_EQ(queue.wake(), clock.now() + pause);
    EXPECT_EQ(queue.find("a")->state, Queue::State::waiting);
    clock.advance(pause);
  }
  ASSERT_EQ(queue.begin(clock.now()), "a");
  queue.ended(network, 100, clock.now());
  EXPECT_EQ(queue.wake(), clock.now() + limits::fetch_retry_first) << "bytes came: it begins to count anew";
}

TEST(Queue, CountsNoBytesThatComeAgainAndAgain) {
  ManualClock clock;
  Queue queue;
  queue.want("a", clock.now());
  Duration pause = limits::fetch_retry_first;
  for (const std::uint64_t here : {100U, 100U, 30U, 100U}) {
    ASSERT_EQ(queue.begin(clock.now()), "a");
    queue.ended(network, here, clock.now());
    EXPECT_EQ(queue.wake(), clock.now() + pause) << "each try began anew";
    clock.advance(pause);
    pause *= 2;
  }
  ASSERT_EQ(queue.begin(clock.now()), "a");
  queue.ended(network, 101, clock.now());
  EXPECT_EQ(queue.wake(), clock.now() + limits::fetch_retry_first);
}

TEST(Queue, TriesAtOnceWhatIsOrderedAgain) {
  ManualClock clock;
  Queue queue;
  for (const char* model : {"a", "b", "c"}) queue.want(model, clock.now());
  ASSERT_EQ(queue.begin(clock.now()), "a");
  queue.ended(lie, 0, clock.now());
  ASSERT_EQ(queue.begin(clock.now()), "b");
  queue.ended(network, 0, clock.now());
  queue.want("b", clock.now());
  EXPECT_EQ(queue.find("b")->tries, 0U);
  queue.want("a", clock.now());
  EXPECT_EQ(queue.begin(clock.now()), "a") << "one that failed comes first";
  queue.ended(std::nullopt, 0, clock.now());
  EXPECT_EQ(queue.begin(clock.now()), "b") << "one that waits keeps its place";
}

TEST(Queue, LetsOthersGoOnWhileOneWaitsToTryAgain) {
  ManualClock clock;
  Queue queue;
  queue.want("a", clock.now());
  queue.want("b", clock.now());
  ASSERT_EQ(queue.begin(clock.now()), "a");
  queue.ended(network, 0, clock.now());
  EXPECT_EQ(queue.begin(clock.now()), "b");
}

TEST(Queue, GivesUpAfterManyTriesAndBeginsAnewWhenOrdered) {
  ManualClock clock;
  Queue queue;
  queue.want("a", clock.now());
  for (std::size_t i = 0; i < limits::fetch_tries_max; ++i) {
    ASSERT_EQ(queue.begin(clock.now()), "a") << i;
    queue.ended(network, 0, clock.now());
    clock.advance(limits::fetch_retry_most);
  }
  EXPECT_EQ(queue.find("a")->state, Queue::State::failed);
  EXPECT_EQ(queue.wake(), Instant::max());
  queue.want("a", clock.now());
  EXPECT_EQ(queue.begin(clock.now()), "a");
}

TEST(Queue, NeverTriesALieAgainByItself) {
  ManualClock clock;
  Queue queue;
  queue.want("a", clock.now());
  ASSERT_EQ(queue.begin(clock.now()), "a");
  queue.ended(lie, 100, clock.now());
  EXPECT_EQ(queue.find("a")->state, Queue::State::failed);
  EXPECT_EQ(queue.find("a")->failure, lie);
  clock.advance(std::chrono::hours(24));
  EXPECT_EQ(queue.begin(clock.now()), std::nullopt);
}

TEST(Queue, DoesAsABusyServerSays) {
  ManualClock clock;
  Queue queue;
  queue.want("a", clock.now());
  ASSERT_EQ(queue.begin(clock.now()), "a");
  queue.ended(Failure{Fault::later, "busy", {}, 90s}, 0, clock.now());
  EXPECT_EQ(queue.wake(), clock.now() + 90s);
}

TEST(Queue, ForgetsWhatIsBeingFetchedAndWaitsForItsEnd) {
  ManualClock clock;
  Queue queue;
  queue.want("a", clock.now());
  queue.want("b", clock.now());
  ASSERT_EQ(queue.begin(clock.now()), "a");
  EXPECT_FALSE(queue.forget("b"));
  EXPECT_TRUE(queue.forget("a"));
  queue.want("a", clock.now());
  EXPECT_EQ(queue.begin(clock.now()), std::nullopt) << "its thread still runs";
  queue.ended(Failure{Fault::cancelled, "stopped", {}}, 100, clock.now());
  EXPECT_EQ(queue.begin(clock.now()), "a") << "the new order knows nothing of the old one's end";
}

}  // namespace
}  // namespace faelled::fetch
