#include "node/supervisor.hpp"

#include "node/supervisor_testing.hpp"

namespace faelled::node {
namespace {

TEST(Supervisor, StartsAnEngineAndSaysWhenItIsReady) {
  World world;
  EXPECT_EQ(world.supervisor.state(), EngineState::absent);
  world.become_ready();
  EXPECT_EQ(world.spawned, 1);
  EXPECT_GT(world.supervisor.load_time(), Duration::zero());
  EXPECT_GE(world.reports, 2);
}

TEST(Supervisor, WaitsMinutesForAModelThatSaysItIsLoading) {
  World world;
  world.loading = true;
  world.tell(event::Begin{});
  world.pass_until(10min);
  EXPECT_EQ(world.killed, 0);
  EXPECT_EQ(world.supervisor.state(), EngineState::starting);
  world.loading = false;
  world.pass_until(2s);
  EXPECT_EQ(world.supervisor.state(), EngineState::ready);
}

TEST(Supervisor, GivesUpOnAStartThatNeverAnswers) {
  World world;
  world.answers = false;
  world.tell(event::Begin{});
  world.pass_until(world.patience.start_silent_max + 2s);
  EXPECT_EQ(world.killed, 1);
}

TEST(Supervisor, SaysWhatCameInsteadOfAnAnswerThatMakesAStartReady) {
  World world;
  world.answers = false;
  world.tell(event::Begin{});
  world.pass_until(1s);
  world.tell(event::NoAnswer{"/v1/completions answers with status 500"});
  world.pass_until(world.patience.start_silent_max + 2s);
  EXPECT_EQ(world.killed, 1);
  EXPECT_EQ(world.supervisor.detail(),
            "it has not become ready since its start: /v1/completions answers with status 500");
}

TEST(Supervisor, DoesNotWaitForAProcessThatEndedWhileLoading) {
  World world;
  world.loading = true;
  world.tell(event::Begin{});
  world.pass_until(1s);
  world.die("exited with code 1: the chat template is wrong");
  EXPECT_EQ(world.supervisor.detail(), "exited with code 1: the chat template is wrong");
  EXPECT_EQ(world.supervisor.state(), EngineState::starting);  // once may be bad luck
  world.loading = true;
  world.pass_until(2s);
  world.die("exited with code 1: the chat template is wrong");
  EXPECT_EQ(world.supervisor.state(), EngineState::failed);  // twice is a cause
}

TEST(Supervisor, RestartsAnEngineThatCrashes) {
  World world;
  world.become_ready();
  world.pass_until(2min);
  world.die();
  EXPECT_EQ(world.supervisor.state(), EngineState::starting);
  EXPECT_GT(world.supervisor.ready_in(world.clock.now()), Duration::zero());
  world.pass_until(2s);
  EXPECT_EQ(world.supervisor.state(), EngineState::ready);
  EXPECT_EQ(world.spawned, 2);
  EXPECT_TRUE(world.supervisor.detail().empty());
}

TEST(Supervisor, BacksOffFromAnEngineThatKeepsCrashingAndNeverStopsTrying) {
  World world;
  world.tell(event::Begin{});
  for (int i = 0; i < 20; ++i) {
    while (world.supervisor.state() != EngineState::ready) world.wake();
    world.die();
  }
  Duration longest{};
  for (std::size_t i = 2; i < world.spawns.size(); ++i)
    longest = std::max(longest, world.spawns[i] - world.spawns[i - 1]);
  EXPECT_GE(longest, world.patience.restart_most * 7 / 10);
  EXPECT_LE(longest, world.patience.restart_most * 13 / 10);
  EXPECT_EQ(world.supervisor.state(), EngineState::failed);
}

TEST(Supervisor, TellsOfEachStartOfOneThatAlwaysDiesOfTheSameWhileItLoads) {
  World world;
  world.loading = true;
  world.tell(event::Begin{});
  for (int i = 0; i < 5; ++i) {
    const int before = world.reports;
    world.die("exited with code 1: the chat template is wrong");
    while (!world.alive) world.wake();
    EXPECT_GT(world.reports, before) << i;
  }
  EXPECT_EQ(world.supervisor.starts(), 6U);
}

TEST(Supervisor, ForgetsOldFailuresAfterAStableTime) {
  World world;
  world.tell(event::Begin{});
  for (int i = 0; i < 6; ++i) {
    while (world.supervisor.state() != EngineState::ready) world.wake();
    world.die();
  }
  while (world.supervisor.state() != EngineState::ready) world.wake();
  world.pass_until(world.patience.stable_after + world.patience.probe_every * 2);
  world.die();
  world.pass_until(1s);
  EXPECT_EQ(world.supervisor.state(), EngineState::ready);
}

TEST(Supervisor, AWrongFileIsFailedWithoutAProcessUntilItIsMended) {
  World world;
  world.file_wrong = "model file x.gguf: it is not a GGUF file; name a file that ends in .gguf";
  world.tell(event::Begin{});
  world.pass_until(10min);
  EXPECT_EQ(world.spawned, 0);
  EXPECT_EQ(world.supervisor.state(), EngineState::failed);
  EXPECT_EQ(world.supervisor.detail(), world.file_wrong);
  EXPECT_EQ(world.reports, 2);  // starting, failed: not one for each look
  world.file_wrong.clear();
  world.pass_until(world.patience.file_check_every + 1s);
  EXPECT_EQ(world.supervisor.state(), EngineState::ready);
}

TEST(Supervisor, AProgramThatCannotRunIsFailedAtOnce) {
  World world;
  world.spawn_fails = "/nonexistent: cannot run it: No such file or directory";
  world.tell(event::Begin{});
  EXPECT_EQ(world.supervisor.state(), EngineState::failed);
  EXPECT_EQ(world.supervisor.detail(), world.spawn_fails);
}

TEST(Supervisor, AsksAReadyEngineSomethingThatPassesThroughItsLoop) {
  World world;
  world.become_ready();
  EXPECT_EQ(world.probe->kind, ProbeKind::health);
  world.pass_until(6s);
  EXPECT_EQ(world.probe->kind, ProbeKind::work);
}

TEST(Supervisor, LeavesABusyEngineInPeaceThatAnswersLate) {
  World world;
  world.become_ready();
  world.answers = false;
  world.computing = true;
  world.pass_until(100s);  // one long prompt on a slow machine
  EXPECT_EQ(world.killed, 0);
  world.tell(event::Answered{});
  EXPECT_EQ(world.supervisor.state(), EngineState::ready);
}

TEST(Supervisor, RestartsAnEngineThatNeitherAnswersNorComputes) {
  World world;
  world.become_ready();
  world.answers = false;
  world.pass_until(world.patience.idle_silent_max + 2 * world.patience.probe_every + 1s);
  EXPECT_EQ(world.killed, 1);
  EXPECT_EQ(world.asked, 0) << "what hangs ignores SIGTERM";
  EXPECT_EQ(world.supervisor.starts(), 2u);
}

TEST(Supervisor, RestartsAnEngineThatSpinsWithoutEverAnswering) {
  World world;
  world.become_ready();
  world.answers = false;
  world.computing = true;
  world.pass_until(world.patience.silent_max + 2 * world.patience.probe_every + 1s);
  EXPECT_EQ(world.killed, 1);
}

TEST(Supervisor, LooksAtOnceWhenAnAnswerWasBrokenOff) {
  World world;
  world.become_ready();
  world.probe.reset();
  world.tell(event::LookNow{});
  ASSERT_TRUE(world.probe);
  EXPECT_EQ(world.probe->kind, ProbeKind::work);
}

TEST(Supervisor, ALookOutOfTurnSeesThatAnEngineComputesThoughTheOneBeforeItComputedMore) {
  World world;
  world.processor = 1000s;
  world.become_ready();
  world.pass_until(2 * world.patience.probe_every);
  world.die();
  world.processor = Duration::zero();
  for (int i = 0; i < 50 && world.supervisor.state() != EngineState::ready; ++i) world.wake();
  world.answers = false;
  world.computing = true;
  world.tell(event::LookNow{world.processor});
  world.pass_until(100s);
  EXPECT_EQ(world.killed, 0);
}

TEST(Supervisor, ALookOutOfTurnSeesThatAnEngineHangsThoughItComputedJustBefore) {
  World world;
  world.become_ready();
  world.pass_until(world.patience.probe_every + 1s);
  world.computing = true;
  world.pass(2s);
  world.computing = world.answers = false;
  world.tell(event::LookNow{world.processor});
  world.pass_until(world.patience.idle_silent_max + 2 * world.patience.probe_every);
  EXPECT_EQ(world.supervisor.detail(), "it neither answers nor computes");
}

// The kernel closes its sockets before it tells us of its end.
TEST(Supervisor, OneThatDiedIsNotTakenForOneThatDoesNotAnswerHoweverManyLookAtIt) {
  World world;
  world.become_ready();
  world.answers = false;
  for (std::uint32_t i = 0; i < 2 * world.patience.broken_probes_max; ++i) {
    world.tell(event::LookNow{});
    world.tell(event::NoAnswer{"/slots: the engine closed the connection"});
  }
  EXPECT_EQ(world.killed, 0);
  world.die("was ended by signal 6 (Aborted): the engine gave up at ggml.c:123");
  EXPECT_EQ(world.supervisor.detail(), "was ended by signal 6 (Aborted): the engine gave up at ggml.c:123");
}

TEST(Supervisor, SaysOfOneThatItKilledAlsoWhatItHadDiedOf) {
  World world;
  world.dies_at_sigkill = false;
  world.become_ready();
  world.answers = false;
  world.pass_until(world.patience.idle_silent_max + 2 * world.patience.probe_every);
  EXPECT_GE(world.killed, 1);
  world.die("was ended by signal 6 (Aborted): the engine gave up at ggml.c:123");
  EXPECT_EQ(world.supervisor.detail(),
            "it neither answers nor computes: was ended by signal 6 (Aborted): the engine gave up at ggml.c:123");
}

TEST(Supervisor, SaysOfOneThatSomebodyElseKilledWhoDoesThat) {
  World world;
  world.become_ready();
  world.die("the engine was ended by signal 9 (Killed)", true);
  EXPECT_EQ(world.supervisor.detail(),
            "the engine was ended by signal 9 (Killed), not by us: the kernel does that where memory runs out");
}

TEST(Supervisor, RestartsAnEngineThatBreaksEveryConnectionOff) {
  World world;
  world.become_ready();
  world.answers = false;
  world.tell(event::LookNow{});
  for (std::uint32_t i = 0; i < world.patience.broken_probes_max; ++i) {
    world.tell(event::NoAnswer{"/v1/completions answers with status 500"});
    if (world.killed == 0) world.pass_until(world.patience.start_probe_most);
  }
  EXPECT_EQ(world.killed, 1);
  EXPECT_EQ(world.supervisor.detail(), "it does not answer as it should: /v1/completions answers with status 500");
}

TEST(Supervisor, StopsAtOnceOrAfterADrain) {
  World world;
  world.become_ready();
  world.tell(event::Stop{.drain = 2s});
  EXPECT_EQ(world.supervisor.state(), EngineState::draining);
  EXPECT_TRUE(world.alive);
  world.pass_until(3s);
  EXPECT_TRUE(world.supervisor.ended());
  EXPECT_EQ(world.asked, 1);
  EXPECT_EQ(world.killed, 0);

  World other;
  other.become_ready();
  other.tell(event::Stop{});
  EXPECT_TRUE(other.supervisor.ended());
}

// Somebody reads the files for it and would tell it of them when it is gone.
TEST(Supervisor, AStopWaitsForALookAtTheFiles) {
  for (const Event& end : {Event(event::Stop{}), Event(event::Stop{.at_once = true}), Event(event::Sleep{})}) {
    World world;
    world.looks_take_long = true;
    world.tell(event::Begin{});
    EXPECT_EQ(world.supervisor.state(), EngineState::starting);
    world.tell(end);
    EXPECT_FALSE(world.supervisor.ended());
    EXPECT_EQ(world.supervisor.state(), EngineState::draining);
    world.tell(event::FileChecked{});
    EXPECT_TRUE(world.supervisor.ended());
    EXPECT_EQ(world.spawned, 0);
  }
}

TEST(Supervisor, KillsAtOnceWhatIsOnlyWantedOutOfTheWay) {
  World world;
  world.become_ready();
  world.tell(event::Stop{.at_once = true});
  EXPECT_TRUE(world.supervisor.ended());
  EXPECT_EQ(world.asked, 0);
  EXPECT_EQ(world.killed, 1);
}

TEST(Supervisor, KillsWhatDoesNotStopWhenAsked) {
  World world;
  world.dies_at_sigterm = false;
  world.become_ready();
  world.tell(event::Stop{});
  EXPECT_FALSE(world.supervisor.ended());
  world.pass_until(world.patience.stop_grace + 1s);
  EXPECT_TRUE(world.supervisor.ended());
  EXPECT_EQ(world.killed, 1);
}

TEST(Supervisor, NothingStartsAgainAfterAStop) {
  World world;
  world.become_ready();
  world.die();
  world.tell(event::Stop{});
  EXPECT_TRUE(world.supervisor.ended());
  EXPECT_EQ(world.supervisor.wake(), Instant::max());
  EXPECT_EQ(world.spawned, 1);
}

// Whatever happens in whatever order: one process at most (World checks), an honest state, restarts that keep their
// distance, a way back to ready when all is well again, and an end in time.
TEST(Supervisor, HoldsItsPromisesInRandomHistories) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    world.tell(event::Begin{});
    for (int i = 0; i < 150; ++i) {
      switch (world.chance.below(12)) {
        case 0:
          world.die();
          break;
        case 1:
          world.answers = !world.answers;
          break;
        case 2:
          world.loading = !world.loading;
          break;
        case 3:
          world.computing = !world.computing;
          break;
        case 4:
          world.file_wrong = world.file_wrong.empty() ? "it is not a GGUF file" : "";
          break;
        case 5:
          world.spawn_fails = world.spawn_fails.empty() ? "cannot run it" : "";
          break;
        case 6:
          world.tell(event::LookNow{world.processor});
          break;
        case 7:
          world.tell(event::NoAnswer{});
          break;  // perhaps of a probe long forgotten
        case 8:
          world.pass(Duration(static_cast<std::int64_t>(world.chance.below(10'000'000'000))));
          break;
        default:
          if (world.supervisor.wake() != Instant::max()) world.wake();
      }
      auto state = world.supervisor.state();
      if (state == EngineState::ready) ASSERT_TRUE(world.alive);
      if (state == EngineState::failed) ASSERT_FALSE(world.supervisor.detail().empty());
      ASSERT_NE(world.supervisor.wake(), Instant::max());
    }
    for (std::size_t i = 1; i < world.spawns.size(); ++i) {
      ASSERT_GE(world.spawns[i] - world.spawns[i - 1], world.patience.restart_first * 8 / 10);
    }
    world.answers = true, world.loading = world.computing = false;
    world.file_wrong.clear(), world.spawn_fails.clear();
    if (seed % 2 == 0) {
      for (int i = 0; i < 200 && world.supervisor.state() != EngineState::ready; ++i) world.wake();
      ASSERT_EQ(world.supervisor.state(), EngineState::ready);
    }
    world.dies_at_sigterm = world.chance.below(2) == 0;
    world.tell(event::Stop{});
    world.pass_until(world.patience.stop_grace + 1s);
    ASSERT_TRUE(world.supervisor.ended());
    ASSERT_FALSE(world.alive);
  }
}

}  // namespace
}  // namespace faelled::node
