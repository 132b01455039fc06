#include "node/supervisor_testing.hpp"

namespace faelled::node {
namespace {

TEST(Supervisor, SleepsAndWakesAndAsksNoSleeperForWork) {
  World world;
  world.become_ready();
  const Duration load = world.supervisor.load_time();
  world.pass(1s);
  world.tell(event::Sleep{});
  EXPECT_EQ(world.probe->kind, ProbeKind::sleep);
  EXPECT_EQ(world.supervisor.state(), EngineState::asleep);
  for (int i = 0; i < 10; ++i) {
    world.wake();
    EXPECT_EQ(world.probe->kind, ProbeKind::asleep);
  }
  world.tell(event::LookNow{});
  EXPECT_EQ(world.probe->kind, ProbeKind::asleep);
  world.tell(event::Wake{});
  EXPECT_EQ(world.probe->kind, ProbeKind::wake);
  EXPECT_EQ(world.supervisor.state(), EngineState::ready);
  EXPECT_EQ(world.supervisor.load_time(), load);
  EXPECT_EQ(world.spawned, 1);
}

TEST(Supervisor, SaysThatItFallsAsleepAndThatItWakes) {
  World world;
  world.become_ready();
  world.answers = false;
  world.tell(event::Sleep{});
  EXPECT_EQ(world.supervisor.state(), EngineState::draining);
  world.tell(event::Answered{});
  EXPECT_EQ(world.supervisor.state(), EngineState::asleep);
  world.tell(event::Wake{});
  EXPECT_EQ(world.supervisor.state(), EngineState::waking);
  world.tell(event::Answered{});
  EXPECT_EQ(world.supervisor.state(), EngineState::ready);
}

TEST(Supervisor, EndsWhatDoesNotFallAsleepInTimeOrIsRefusedIt) {
  for (const bool refused : {true, false}) {
    World world;
    world.become_ready();
    world.answers = false;
    world.tell(event::Sleep{});
    if (refused) {
      world.tell(event::NoAnswer{});
    } else {
      world.pass_until(world.patience.sleep_max);
    }
    EXPECT_TRUE(world.supervisor.ended());
    EXPECT_FALSE(world.alive);
    EXPECT_FALSE(world.supervisor.detail().empty());
  }
}

TEST(Supervisor, EndsWhatIsNotReadyWhenItShouldFallAsleep) {
  World world;
  world.become_ready();
  world.die();
  world.tell(event::Sleep{});
  EXPECT_TRUE(world.supervisor.ended());
  EXPECT_EQ(world.spawned, 1);
}

TEST(Supervisor, EndsASleeperThatDiesOrNoLongerAnswers) {
  for (const bool dies : {true, false}) {
    World world;
    world.become_ready();
    world.tell(event::Sleep{});
    world.answers = false;
    if (dies) {
      world.die();
    } else {
      world.pass_until(world.patience.probe_every + world.patience.idle_silent_max + world.patience.probe_every);
    }
    EXPECT_TRUE(world.supervisor.ended());
    EXPECT_FALSE(world.alive);
    EXPECT_EQ(world.spawned, 1);
  }
}

TEST(Supervisor, BeginsAnewWhatDoesNotWakeUp) {
  World world;
  world.become_ready();
  world.tell(event::Sleep{});
  world.answers = false;
  world.tell(event::Wake{});
  world.pass_until(world.patience.wake_max);
  EXPECT_EQ(world.supervisor.state(), EngineState::starting);
  EXPECT_EQ(world.supervisor.detail(), "it did not wake up");
  world.answers = true;
  world.pass_until(10s);
  EXPECT_EQ(world.supervisor.state(), EngineState::ready);
  EXPECT_EQ(world.spawned, 2);
}

// Its weights lie in the host's memory until the process has ended, which takes as long as there is to give back.
TEST(Supervisor, OfASleeperThatDoesNotWakeUpTheHostIsTakenUntilItHasEnded) {
  World world;
  world.become_ready();
  world.tell(event::Sleep{});
  world.answers = world.dies_at_sigkill = false;
  world.tell(event::Wake{});
  world.pass_until(world.patience.wake_max);
  world.pass(5s);
  EXPECT_EQ(world.supervisor.state(), EngineState::waking);
  EXPECT_EQ(world.supervisor.detail(), "it did not wake up");
  world.dies_at_sigkill = true;
  world.pass_until(world.patience.stop_grace);
  EXPECT_FALSE(world.alive);
  EXPECT_EQ(world.supervisor.state(), EngineState::starting);
}

TEST(Supervisor, AsksASleeperAsItsLevelWantsIt) {
  World world;
  world.become_ready();
  world.tell(event::Sleep{2});
  EXPECT_EQ(world.probe->kind, ProbeKind::forget);
  EXPECT_EQ(world.supervisor.state(), EngineState::asleep);
  world.wake();
  EXPECT_EQ(world.probe->kind, ProbeKind::asleep);
  world.tell(event::Wake{});
  EXPECT_EQ(world.probe->kind, ProbeKind::reload);
  EXPECT_EQ(world.supervisor.state(), EngineState::ready);
  world.tell(event::Sleep{});
  world.tell(event::Wake{});
  EXPECT_EQ(world.probe->kind, ProbeKind::wake);
  EXPECT_EQ(world.spawned, 1);
}

TEST(Supervisor, GivesOneThatReadsItsWeightsAgainAsManyTimesAsLongAsItsStartTook) {
  World world;
  world.loading = true;
  world.tell(event::Begin{});
  world.pass_until(100s);
  world.loading = false;
  world.pass_until(2s);
  ASSERT_GE(world.supervisor.load_time(), 100s);
  world.tell(event::Sleep{2});
  world.answers = false;
  world.tell(event::Wake{});
  world.pass_until(world.patience.wake_max + 4 * 100s);
  EXPECT_EQ(world.supervisor.state(), EngineState::waking);
  world.pass_until(20s);
  EXPECT_EQ(world.supervisor.detail(), "it did not wake up");
}

TEST(Supervisor, SaysWhichCallFailedOfOneThatDidNotWakeUp) {
  World world;
  world.become_ready();
  world.tell(event::Sleep{2});
  world.answers = false;
  world.tell(event::Wake{});
  world.tell(event::NoAnswer{"/collective_rpc answers with status 500"});
  EXPECT_EQ(world.supervisor.detail(), "it could not be woken: /collective_rpc answers with status 500");
  EXPECT_EQ(world.supervisor.state(), EngineState::starting);
}

TEST(Supervisor, KillsASleeperThatIsToStopWhateverTheDrain) {
  World world;
  world.become_ready();
  world.tell(event::Sleep{});
  world.tell(event::Stop{1min});
  EXPECT_EQ(world.killed, 1);
  EXPECT_TRUE(world.supervisor.ended());
}

}  // namespace
}  // namespace faelled::node
