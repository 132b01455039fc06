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
  void revoked() override { ++revocations; }
  std::vector<rpc::Grant> grants;
  std::vector<rpc::Refusal> refusals;
  rpc::Waiting last_waiting;
  int revocations = 0;
};

const ManualClock clock;

// One model, so many in its line.
Mesh::Settings bounded(std::uint32_t waiting_max) {
  Mesh::Settings settings{{"m"}};
  settings.commons.waiting_max = waiting_max;
  return settings;
}

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
  return {"n1", {e}};
}

TEST(Mesh, SendsAwayWhoAsksForAModelWhoseFileIsNotHere) {
  Mesh mesh(clock, bounded(10));
  mesh.hold_back("m", {});
  // Whoever keeps the files has newer words when somebody asks.
  std::string asked;
  mesh.on_asked_in_vain([&](const std::string& model) {
    asked = model;
    mesh.hold_back(model, {1, 4, 90s, false, "for operators", "is being fetched: 25 %", "hentes, 25 %"});
  });
  Caller a, b;
  mesh.submit(ticket(1), a);
  ASSERT_EQ(a.refusals.size(), 1U);
  EXPECT_EQ(a.refusals[0].cause, rpc::RefusalCause::model_fetching);
  EXPECT_EQ(a.refusals[0].detail, "is being fetched: 25 %");
  EXPECT_EQ(a.refusals[0].detail_da, "hentes, 25 %");
  EXPECT_EQ(a.refusals[0].retry_after, Duration(90s));
  EXPECT_EQ(asked, "m");
  EXPECT_EQ(mesh.state("m"), rpc::EngineState::fetching);
  EXPECT_EQ(mesh.models()[0].state, rpc::EngineState::fetching);
  EXPECT_EQ(mesh.residency("m")->fetching->total, 4U);
  EXPECT_EQ(mesh.residency("m")->detail, "for operators");
  mesh.on_asked_in_vain({});
  mesh.hold_back("m", {0, 0, {}, true, "another file", {}, {}});
  mesh.submit(ticket(2), b);
  ASSERT_EQ(b.refusals.size(), 1U);
  EXPECT_EQ(b.refusals[0].cause, rpc::RefusalCause::model_failed);
  EXPECT_EQ(mesh.state("m"), rpc::EngineState::failed);
  Caller c;
  mesh.know({"m", 5, 1s, 1, false, false});
  mesh.submit(ticket(3), c);
  EXPECT_TRUE(c.refusals.empty()) << "it is here now, and waited for";
  EXPECT_FALSE(mesh.is_held_back("m"));
}

TEST(Mesh, GrantsInTheOrderOfArrivalAndTellsThePlaceInLine) {
  Mesh mesh(clock, bounded(10));
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

rpc::Ticket ticket_for(std::uint64_t number, std::string adapter, std::string member = "aarhus") {
  rpc::Ticket t = ticket(number, std::move(member));
  t.adapter = std::move(adapter);
  return t;
}

rpc::Report with_adapters(std::uint32_t places, std::vector<rpc::EngineAdapter> adapters) {
  rpc::Report report = ready(places);
  report.engines[0].adapters = std::move(adapters);
  return report;
}

TEST(Mesh, SaysHowTheEngineKnowsTheAdapter) {
  Mesh mesh(clock, bounded(10));
  mesh.report(with_adapters(4, {{"law", ""}, {"tax", "m:tax.2"}}));
  Caller base, law, tax, gone;
  mesh.submit(ticket(1), base);
  mesh.submit(ticket_for(2, "law"), law);
  mesh.submit(ticket_for(3, "tax"), tax);
  mesh.submit(ticket_for(4, "gone"), gone);
  EXPECT_EQ(base.grants.at(0).adapter, std::nullopt);
  EXPECT_EQ(base.grants.at(0).adapters, 2U);
  EXPECT_EQ(law.grants.at(0).adapter, 0U);
  EXPECT_EQ(tax.grants.at(0).adapter, 1U);
  EXPECT_EQ(tax.grants.at(0).upstream_model, "m:tax.2");
  EXPECT_EQ(gone.grants.at(0).adapter, std::nullopt) << "the gateway tells its client";
  EXPECT_EQ(mesh.ticket(2)->model, "m:law");
}

TEST(Mesh, KnowsWhatAdaptersEachEngineOfAModelHas) {
  Mesh mesh(clock, bounded(10));
  rpc::Report report = with_adapters(1, {{"law", ""}, {"tax", ""}});
  report.engines.push_back(report.engines[0]);
  report.engines[1].engine = "another";
  report.engines[1].adapters = {{"tax", ""}};
  const auto all = [&] {
    mesh.report(report);
    return mesh.residency("m")->adapters;
  };
  EXPECT_THAT(all(), testing::ElementsAre("tax"));
  report.engines[1].adapting = true;
  EXPECT_THAT(all(), testing::IsEmpty()) << "not yet";
  report.engines[1].state = rpc::EngineState::starting;
  EXPECT_THAT(all(), testing::ElementsAre("law", "tax"));
  report.engines[0].state = rpc::EngineState::failed;
  EXPECT_THAT(all(), testing::IsEmpty());
}

TEST(Mesh, WhatAnotherAdapterHasReadIsForgotten) {
  Mesh mesh(clock, bounded(10));
  mesh.report(with_adapters(1, {{"law", ""}}));
  auto changed = [&, number = std::uint64_t{0}](const std::string& adapter) mutable {
    Caller caller;
    mesh.submit(ticket_for(++number, adapter), caller);
    mesh.end({number, rpc::Outcome::done, 10, 0, 1});
    return caller.grants.at(0).place_changed_member;
  };
  EXPECT_TRUE(changed("law"));
  EXPECT_FALSE(changed("law"));
  EXPECT_TRUE(changed(""));
  EXPECT_FALSE(changed(""));
  EXPECT_TRUE(changed("law"));
}

TEST(Mesh, AsksNothingNewOfAnEngineThatTakesAnAdapter) {
  Mesh mesh(clock, bounded(10));
  rpc::Report report = with_adapters(2, {});
  report.engines[0].adapting = true;
  mesh.report(report);
  Caller waits;
  mesh.submit(ticket_for(1, "law"), waits);
  EXPECT_TRUE(waits.grants.empty());
  mesh.report(with_adapters(2, {{"law", ""}}));
  ASSERT_EQ(waits.grants.size(), 1U);
  EXPECT_EQ(waits.grants[0].adapter, 0U);
}

TEST(Mesh, ATicketWaitsForAModelThatStarts) {
  Mesh mesh(clock, bounded(10));
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
  Mesh mesh(clock, bounded(10));
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
  Mesh mesh(clock, bounded(1));
  Caller a, b;
  mesh.submit(ticket(1), a);
  mesh.submit(ticket(2), b);
  ASSERT_EQ(b.refusals.size(), 1U);
  EXPECT_EQ(b.refusals[0].cause, rpc::RefusalCause::queue_full);
}

TEST(Mesh, AFullLineMakesRoomForAMemberThatHasLessInIt) {
  Mesh mesh(clock, bounded(3));
  std::array<Caller, 4> greedy;
  for (std::uint64_t i = 0; i < greedy.size(); ++i) mesh.submit(ticket(i + 1, "greedy"), greedy[i]);
  EXPECT_EQ(greedy[3].refusals.size(), 1U) << "its own line is full of its own";
  Caller modest;
  mesh.submit(ticket(10, "modest"), modest);
  EXPECT_TRUE(modest.refusals.empty());
  EXPECT_EQ(greedy[2].refusals.size(), 1U) << "the last of those it has";
  EXPECT_EQ(greedy[2].refusals[0].cause, rpc::RefusalCause::queue_full);
  mesh.report(ready(1));
  EXPECT_EQ(greedy[0].grants.size() + modest.grants.size(), 1U);
}

TEST(Mesh, AMemberThatHasHadLessGoesFirst) {
  Mesh mesh(clock, bounded(100));
  mesh.report(ready(1));
  std::array<Caller, 3> greedy;
  for (std::uint64_t i = 0; i < greedy.size(); ++i) mesh.submit(ticket(i + 1, "greedy"), greedy[i]);
  Caller modest;
  mesh.submit(ticket(10, "modest"), modest);
  EXPECT_EQ(modest.last_waiting.position, 1U) << "behind the one that runs, before those that wait";
  mesh.end({1, rpc::Outcome::done, 100, 0, 100});
  EXPECT_EQ(modest.grants.size(), 1U);
}

TEST(Mesh, SaysWhyATicketWaits) {
  Mesh mesh(clock, bounded(100));
  Caller first, second;
  auto one = ticket(1, "aarhus");
  one.request_id = "req_1";
  mesh.submit(one, first);
  ASSERT_TRUE(mesh.ticket("req_1"));
  EXPECT_EQ(mesh.ticket("req_1")->cause, rpc::WaitCause::model_not_ready);
  mesh.report(ready(1));
  EXPECT_TRUE(mesh.ticket("req_1")->running);
  mesh.submit(ticket(2, "aarhus"), second);
  EXPECT_EQ(mesh.ticket(2)->position, 1U);
  mesh.end({1, rpc::Outcome::done});
  EXPECT_FALSE(mesh.ticket("req_1")) << "it has ended";
}

TEST(Mesh, TakesBatchBackForAPersonAndGivesItsTurnAgain) {
  Mesh mesh(clock, bounded(100));
  mesh.report(ready(1));
  Caller batch, person;
  auto night = ticket(1, "aarhus");
  night.lane = rpc::Lane::batch;
  night.revocable = true;
  mesh.submit(night, batch);
  mesh.submit(ticket(2, "odense"), person);
  ASSERT_EQ(batch.revocations, 1);
  rpc::End back{1, rpc::Outcome::cancelled};
  back.returned = true;
  mesh.end(back);
  EXPECT_EQ(person.grants.size(), 1U);
  EXPECT_EQ(mesh.waiting(), 1U);
  mesh.end({2, rpc::Outcome::done, 5, 0, 5});
  EXPECT_EQ(batch.grants.size(), 2U) << "the same ticket, granted again";
}

TEST(Mesh, HoldsAMemberToThePlacesOfItsAgreement) {
  Mesh mesh(clock, bounded(100));
  mesh.agree({"aarhus", 1, 1});
  mesh.report(ready(3));
  Caller a, b, other;
  mesh.submit(ticket(1, "aarhus"), a);
  mesh.submit(ticket(2, "aarhus"), b);
  mesh.submit(ticket(3, "odense"), other);
  EXPECT_TRUE(b.grants.empty());
  EXPECT_EQ(mesh.ticket(2)->cause, rpc::WaitCause::places);
  EXPECT_EQ(other.grants.size(), 1U);
  mesh.agree({"aarhus", 1, 2});
  EXPECT_EQ(b.grants.size(), 1U);
}

TEST(Mesh, AWithdrawnTicketLeavesTheLine) {
  Mesh mesh(clock, bounded(10));
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
  Mesh mesh(clock, bounded(10));
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

TEST(Energy, IsWattsTimesSecondsOfWhatWasThereMeanwhile) {
  Energy energy(40, 300);
  const Instant begin{};
  energy.pass(begin + 1h, 5, 5);  // nothing is known of before
  energy.pass(begin + 2h, 2, 0);
  energy.pass(begin + 2h + 60s, 0, 1);
  EXPECT_DOUBLE_EQ(energy.idle_wh(), 80);
  EXPECT_DOUBLE_EQ(energy.load_wh(), 5);
  EXPECT_FALSE(Energy(0, 0).modelled());
}

TEST(Mesh, ModelsWhatLoadsAndUnusedEnginesDraw) {
  ManualClock time;
  Mesh::Settings settings = bounded(10);
  settings.residency.idle_w = 36;
  settings.residency.load_w = 360;
  Mesh mesh(time, settings);
  Caller a;
  EXPECT_EQ(mesh.energy(), (rpc::ModelledEnergy{0, 0}));
  mesh.know({.model = "m", .bytes = 1});
  mesh.report(ready(1, "e1", rpc::EngineState::starting));
  time.advance(10s);
  mesh.report(ready(1));  // 10 s of a load: 1 Wh
  time.advance(100s);
  mesh.submit(ticket(1), a);  // 100 s unused: 1 Wh
  time.advance(1h);
  mesh.end({1, rpc::Outcome::done, 7});  // an hour of work is nobody's idling
  time.advance(200s);
  mesh.tick();
  EXPECT_EQ(mesh.energy(), (rpc::ModelledEnergy{3, 1}));
  mesh.report(rpc::Report{.node = "local", .engines = {ready(1).engines[0], ready(1, "e2").engines[0]}});
  time.advance(100s);
  mesh.tick();
  EXPECT_EQ(mesh.energy()->idle_wh, 4) << "two on one device draw as much as one";
  EXPECT_EQ(Mesh(time, bounded(10)).energy(), std::nullopt) << "nobody has said what anything draws";
}

// What an engine had in its cache is nobody's work, however large the prompt was thought to be.
TEST(Mesh, CountsNothingThatWasCached) {
  Mesh mesh(clock, bounded(10));
  mesh.report(ready(1));
  Caller a;
  rpc::Ticket long_talk = ticket(1);
  long_talk.prompt_tokens_estimate = 8000;
  mesh.submit(long_talk, a);
  mesh.progress({1, 50});
  mesh.end({1, rpc::Outcome::done, 8000, 7800, 100});
  ASSERT_TRUE(mesh.share("aarhus"));
  EXPECT_EQ(mesh.share("aarhus")->delivered, 200 + 2 * 100);
}

TEST(Mesh, APlaceIsNobodysUntilTheEngineBeganThePrompt) {
  Mesh mesh(clock, bounded(10));
  mesh.report(ready(1));
  Caller a, refused_by_engine, again;
  mesh.submit(ticket(1, "aarhus"), a);
  mesh.end({1, rpc::Outcome::done, 7});
  mesh.submit(ticket(2, "odense"), refused_by_engine);
  mesh.end({2, rpc::Outcome::refused, 0});  // nothing was erased
  mesh.submit(ticket(3, "odense"), again);
  EXPECT_TRUE(again.grants[0].place_changed_member);
  mesh.end({3, rpc::Outcome::cancelled, 7, 0, 0, false, false, true});  // booked, but nobody saw it begun
  Caller later;
  mesh.submit(ticket(4, "odense"), later);
  EXPECT_TRUE(later.grants[0].place_changed_member);
}

TEST(Mesh, AnEngineThatVanishedKeepsNoPlace) {
  Mesh mesh(clock, bounded(10));
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
  Mesh mesh(clock, bounded(10));
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
  Mesh mesh(clock, bounded(10));
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
    Mesh mesh(clock, bounded(8));
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
      std::erase_if(live, [](const auto& entry) { return !entry.second->refusals.empty(); });  // made room for another
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
