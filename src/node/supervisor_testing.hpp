// A supervisor, its process and the node that carries its actions out. For tests.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "node/supervisor.hpp"

namespace faelled::node {

using rpc::EngineState;

// A process as the supervisor sees it, and the node that carries its actions out.
class World {
 public:
  explicit World(std::uint64_t seed = 1, Patience p = {}) : patience(p), supervisor(p, seed), chance(seed) {}

  void tell(const Event& event) {
    for (auto& action : supervisor.step(clock.now(), event)) std::visit([this](auto& a) { carry_out(a); }, action);
  }
  // Time passes up to the next thing the supervisor wants to look at.
  void wake() {
    ASSERT_NE(supervisor.wake(), Instant::max()) << "nothing will ever happen again";
    if (supervisor.wake() > clock.now()) pass(supervisor.wake() - clock.now());
  }
  void pass(Duration time) {
    clock.advance(time);
    if (computing) processor += time;
    tell(event::Tick{processor});
  }
  void pass_until(Duration time) {
    auto end = clock.now() + time;
    while (supervisor.wake() <= end) wake();
    clock.advance(end - clock.now());
  }
  void become_ready() {
    tell(event::Begin{});
    for (int i = 0; i < 50 && supervisor.state() != EngineState::ready; ++i) wake();
    ASSERT_EQ(supervisor.state(), EngineState::ready);
  }

  ManualClock clock;
  Patience patience;
  Supervisor supervisor;
  SeededRandom chance;

  // What the process is like.
  bool alive = false;
  std::string file_wrong;
  bool looks_take_long = false;  // the test tells when one ends
  std::string spawn_fails;
  bool answers = true;
  bool loading = false;
  bool computing = false;
  bool dies_at_sigterm = true;
  bool dies_at_sigkill = true;
  Duration processor{};

  // What was done.
  int spawned = 0, asked = 0, killed = 0, reports = 0, checks = 0;
  std::optional<action::Probe> probe;
  std::vector<Instant> spawns;

 private:
  void carry_out(const action::CheckFile&) {
    ++checks;
    if (!looks_take_long) tell(event::FileChecked{file_wrong});
  }
  void carry_out(const action::Spawn&) {
    EXPECT_FALSE(alive) << "a second process for one engine";
    if (!spawn_fails.empty()) return tell(event::SpawnFailed{spawn_fails});
    alive = true;
    ++spawned;
    spawns.push_back(clock.now());
    tell(event::Spawned{});
  }
  void carry_out(const action::Probe& p) {
    EXPECT_TRUE(alive) << "nobody is there to ask";
    probe = p;
    if (answers && loading) tell(event::Loading{});
    if (answers && !loading) tell(event::Answered{});
  }
  void carry_out(const action::AskToStop&) {
    ++asked;
    if (dies_at_sigterm) die();
  }
  void carry_out(const action::Kill&) {
    ++killed;
    if (dies_at_sigkill && std::exchange(alive, false))
      tell(event::Exited{"was ended by signal 9 (Killed)", true, true});
  }
  void carry_out(const action::Report&) { ++reports; }

 public:
  void die(std::string how = "was ended by signal 9 (Killed)", bool killed = false) {
    if (std::exchange(alive, false)) tell(event::Exited{std::move(how), killed});
  }
};

}  // namespace faelled::node
