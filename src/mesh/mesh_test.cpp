#include "mesh/mesh.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "base/random.hpp"

namespace faelled::mesh {
namespace {

struct Caller final : rpc::TicketListener {
  void granted(const rpc::Grant& g) override { grants.push_back(g); }
  void waiting(const rpc::Waiting& w) override { last_waiting = w; }
  void refused(const rpc::Refusal& r) override { refusals.push_back(r); }
  std::vector<rpc::Grant> grants;
  std::vector<rpc::Refusal> refusals;
  rpc::Waiting last_waiting;
};

rpc::Ticket ticket(std::uint64_t number, std::string member = "aarhus", std::string model = "m") {
  rpc::Ticket t;
  t.number = number;
  t.member = std::move(member);
  t.model = std::move(model);
  return t;
}

rpc::Report ready(std::uint32_t places, std::string engine = "e1", rpc::EngineState state = rpc::EngineState::ready) {
  rpc::EngineReport e;
  e.engine = std::move(engine);
  e.model = "m";
  e.state = state;
  e.places = places;
  e.engine_kind = "llama";
  return {"n1", 1, {e}};
}

TEST(Mesh, GrantsInTheOrderOfArrivalAndTellsThePlaceInLine) {
  Mesh mesh({{"m"}, 10});
  mesh.report(ready(1));
  Caller a, b, c;
  mesh.submit(ticket(1), a);
  mesh.submit(ticket(2), b);
  mesh.submit(ticket(3), c);
  ASSERT_EQ(a.grants.size(), 1U);
  EXPECT_EQ(b.last_waiting.position, 1U);
  EXPECT_EQ(c.last_waiting.position, 2U);
  EXPECT_TRUE(c.last_waiting.model_ready);
  mesh.end({1, rpc::Outcome::done});
  ASSERT_EQ(b.grants.size(), 1U);
  EXPECT_EQ(c.last_waiting.position, 1U);
}

TEST(Mesh, ATicketWaitsForAModelThatStarts) {
  Mesh mesh({{"m"}, 10});
  Caller a;
  mesh.submit(ticket(1), a);
  auto starting = ready(1, "e1", rpc::EngineState::starting);
  starting.engines[0].ready_in = 12s;
  mesh.report(starting);
  EXPECT_TRUE(a.grants.empty());
  EXPECT_FALSE(a.last_waiting.model_ready);
  EXPECT_EQ(a.last_waiting.ready_in, Duration(12s));
  mesh.report(ready(1));
  EXPECT_EQ(a.grants.size(), 1U);
}

TEST(Mesh, AFailedModelRefusesThoseWhoWaitAndThoseWhoCome) {
  Mesh mesh({{"m"}, 10});
  Caller waiting, later;
  mesh.submit(ticket(1), waiting);
  auto failed = ready(1, "e1", rpc::EngineState::failed);
  failed.engines[0].detail = "not a GGUF file";
  mesh.report(failed);
  ASSERT_EQ(waiting.refusals.size(), 1U);
  EXPECT_EQ(waiting.refusals[0].cause, rpc::RefusalCause::model_failed);
  EXPECT_EQ(waiting.refusals[0].detail, "not a GGUF file");
  mesh.submit(ticket(2), later);
  EXPECT_EQ(later.refusals.size(), 1U);
}

TEST(Mesh, AFullLineRefuses) {
  Mesh mesh({{"m"}, 1});
  Caller a, b;
  mesh.submit(ticket(1), a);
  mesh.submit(ticket(2), b);
  ASSERT_EQ(b.refusals.size(), 1U);
  EXPECT_EQ(b.refusals[0].cause, rpc::RefusalCause::queue_full);
}

TEST(Mesh, AWithdrawnTicketLeavesTheLine) {
  Mesh mesh({{"m"}, 10});
  Caller a, b;
  mesh.submit(ticket(1), a);
  mesh.submit(ticket(2), b);
  mesh.end({1, rpc::Outcome::cancelled});
  EXPECT_EQ(b.last_waiting.position, 1U);
  mesh.report(ready(2));
  EXPECT_TRUE(a.grants.empty());
  EXPECT_EQ(b.grants.size(), 1U);
}

TEST(Mesh, AMemberGetsItsOwnPlaceBackAndAForeignOneOnlyMarkedAsChanged) {
  Mesh mesh({{"m"}, 10});
  mesh.report(ready(2));
  Caller a, b, again;
  mesh.submit(ticket(1, "aarhus"), a);
  mesh.submit(ticket(2, "odense"), b);
  EXPECT_TRUE(a.grants[0].place_changed_member);
  mesh.end({1, rpc::Outcome::done, 7});
  mesh.end({2, rpc::Outcome::done, 7});
  mesh.submit(ticket(3, "odense"), again);
  EXPECT_EQ(again.grants[0].place, b.grants[0].place);
  EXPECT_FALSE(again.grants[0].place_changed_member);
  Caller third;
  mesh.submit(ticket(4, "vejle"), third);
  EXPECT_TRUE(third.grants[0].place_changed_member);
}

TEST(Mesh, APlaceIsNobodysUntilTheEngineBeganThePrompt) {
  Mesh mesh({{"m"}, 10});
  mesh.report(ready(1));
  Caller a, refused_by_engine, again;
  mesh.submit(ticket(1, "aarhus"), a);
  mesh.end({1, rpc::Outcome::done, 7});
  mesh.submit(ticket(2, "odense"), refused_by_engine);
  mesh.end({2, rpc::Outcome::refused, 0});  // nothing was erased
  mesh.submit(ticket(3, "odense"), again);
  EXPECT_TRUE(again.grants[0].place_changed_member);
}

TEST(Mesh, AnEngineThatVanishedKeepsNoPlace) {
  Mesh mesh({{"m"}, 10});
  mesh.report(ready(1, "e1"));
  Caller a, b;
  mesh.submit(ticket(1), a);
  mesh.report(ready(1, "e2"));  // restarted under a new id
  mesh.submit(ticket(2), b);
  ASSERT_EQ(b.grants.size(), 1U);
  EXPECT_EQ(b.grants[0].engine, "e2");
  mesh.end({1, rpc::Outcome::failed});
  EXPECT_EQ(mesh.running(), 1U);
}

TEST(Mesh, TellsWhichEngineBrokeAnAnswerOff) {
  Mesh mesh({{"m"}, 10});
  std::string told;
  mesh.on_engine_fault([&](const std::string& engine) { told = engine; });
  mesh.report(ready(1, "e7"));
  Caller a;
  mesh.submit(ticket(1), a);
  rpc::End end{1, rpc::Outcome::failed};
  end.engine_fault = true;
  mesh.end(end);
  EXPECT_EQ(told, "e7");
}

TEST(Mesh, CountsAnEnginesRestartsOnce) {
  Mesh mesh({{"m"}, 10});
  std::uint64_t counted = 0;
  mesh.on_engine_restart([&](const std::string&, std::uint64_t times) { counted += times; });
  auto report = ready(1, "e1");
  mesh.report(report);
  report.engines[0].engine = "e3";
  report.engines[0].restarts = 2;
  mesh.report(report);
  mesh.report(report);
  EXPECT_EQ(counted, 2U);
}

// Invariant: one place, one ticket
// No two tickets on one place, no free place while a ticket waits, every ticket exactly one grant or refusal.
TEST(Mesh, HoldsItsInvariantsInRandomHistories) {
  const std::uint64_t seed = SystemRandom().u64();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed);
  for (int history = 0; history < 200; ++history) {
    Mesh mesh({{"m"}, 8});
    std::map<std::uint64_t, std::unique_ptr<Caller>> live;
    std::uint64_t next = 1;
    std::uint32_t engine = 1;
    bool up = false;
    for (int step = 0; step < 200; ++step) {
      switch (random.below(6)) {
        case 0:
        case 1:
        case 2: {
          auto caller = std::make_unique<Caller>();
          mesh.submit(ticket(next, "k" + std::to_string(random.below(3))), *caller);
          if (caller->refusals.empty()) live[next] = std::move(caller);
          ++next;
          break;
        }
        case 3:
        case 4: {
          if (live.empty()) break;
          const auto victim = std::next(live.begin(), static_cast<long>(random.below(live.size())));
          mesh.end({victim->first, rpc::Outcome::done});
          live.erase(victim);
          break;
        }
        default:
          if (random.below(4) != 0) break;
          up = !up;
          if (up) ++engine;
          mesh.report(
              ready(2, "e" + std::to_string(engine), up ? rpc::EngineState::ready : rpc::EngineState::starting));
      }
      std::map<std::pair<std::string, std::uint32_t>, int> used;
      std::size_t waiting = 0;
      std::size_t on_current = 0;
      for (const auto& [number, caller] : live) {
        ASSERT_LE(caller->grants.size(), 1U);
        if (caller->grants.empty()) {
          ++waiting;
          continue;
        }
        const rpc::Grant& grant = caller->grants[0];
        ASSERT_EQ((++used[{grant.engine, grant.place}]), 1);
        on_current += grant.engine == "e" + std::to_string(engine) ? 1 : 0;
      }
      ASSERT_EQ(mesh.waiting(), waiting);
      if (up && waiting > 0) ASSERT_EQ(on_current, 2U) << "a place is free while somebody waits";
    }
  }
}

}  // namespace
}  // namespace faelled::mesh
