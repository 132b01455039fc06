#include "mesh/residents.hpp"

#include <deque>

#include "base/random.hpp"
#include "mesh/residents_testing.hpp"

namespace faelled::mesh {
namespace {

using rpc::Directive;
using rpc::EngineState;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Act = rpc::Directive::Act;
using What = rpc::ResidencyEvent::What;

TEST_F(ResidentsTest, LoadsWhatIsAskedForAndTellsWhoWaitsHowLong) {
  Caller caller;
  ask("a", caller);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "a", "host"}));
  EXPECT_FALSE(caller.last_waiting.model_ready);
  EXPECT_EQ(caller.last_waiting.ready_in, Duration(3s));
  EXPECT_EQ(caller.last_waiting.promised, Duration(60s));
  is("a", EngineState::ready);
  EXPECT_EQ(caller.grants.size(), 1U);
}

TEST_F(ResidentsTest, PromisesBeforeAnyModelWasSwitched) {
  Mesh::Settings settings{{"a"}};
  settings.residency.promise_least = Duration{};
  Mesh young{clock, settings};
  EXPECT_EQ(young.promise(), std::nullopt) << "none is of ours";
  young.know({"a", 4, std::chrono::seconds(3)});
  EXPECT_EQ(young.promise(), Duration{});
}

TEST_F(ResidentsTest, TellsOfEachModelAloneWhatItTellsOfAll) {
  mesh.know({"large", 9, std::chrono::seconds(3)});
  mesh.add_model("elsewhere too");
  mesh.add_model("removed");
  mesh.know({"removed", 9, std::chrono::seconds(3)});
  mesh.remove_model("removed");
  mesh.hold_back("b", {.failed = true, .detail = "no such file"});
  serve("a");
  std::vector<std::string> names, failed;
  for (const rpc::ModelStatus& one : mesh.models()) {
    names.push_back(one.model);
    if (one.state == EngineState::failed) failed.push_back(one.model);
    const auto alone = mesh.model(one.model);
    ASSERT_TRUE(alone) << one.model;
    EXPECT_EQ(alone->state, one.state) << one.model;
    EXPECT_EQ(alone->detail, one.detail) << one.model;
    EXPECT_EQ(alone->places, one.places) << one.model;
  }
  EXPECT_THAT(names, ElementsAre("a", "b", "c", "elsewhere", "elsewhere too", "large"));
  EXPECT_THAT(failed, ElementsAre("b", "large"));
  EXPECT_EQ(mesh.failed(), failed);
  EXPECT_FALSE(mesh.model("removed"));
  EXPECT_FALSE(mesh.model("nobody"));
  EXPECT_THAT(mesh.with_engines(), ElementsAre("a"));
}

TEST_F(ResidentsTest, AnUnusedModelGoesForOneThatIsAskedForWhichComesOnceItHasGone) {
  serve("a");
  EXPECT_THAT(mesh.in_use(), ElementsAre("a")) << "of all that there are";
  serve("b");
  told();
  Caller caller;
  ask("c", caller);
  EXPECT_THAT(mesh.in_use(), ElementsAre("a", "b", "c")) << "it comes, and is waited for";
  ASSERT_THAT(told(), ElementsAre(Directive{Act::unload, "a", "host"}));
  EXPECT_EQ(at("c").state, EngineState::starting);
  EXPECT_EQ(mesh.devices().at(0).reserved, 4U);
  gone("a");
  EXPECT_THAT(mesh.in_use(), ElementsAre("b", "c"));
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "c", "host"}));
  EXPECT_EQ(at("a").cause, rpc::ResidencyCause::makes_room);
  EXPECT_EQ(at("a").other, "c");
}

// Invariant: no answer cut off.
TEST_F(ResidentsTest, NoTicketGoesToAnEngineThatIsOnItsWayOut) {
  serve("a");
  serve("b");
  Caller other, caller;
  ask("c", other);
  ask("a", caller);  // its engine is ready still, and told to end
  EXPECT_TRUE(caller.grants.empty());
  EXPECT_EQ(at("a").state, EngineState::draining);
  gone("a");
  is("c", EngineState::ready);
  EXPECT_EQ(other.grants.size(), 1U);
  EXPECT_EQ(at("b").state, EngineState::draining);  // unused, and a is waited for
  gone("b");
  is("a", EngineState::ready);
  EXPECT_EQ(caller.grants.size(), 1U);
}

TEST_F(ResidentsTest, AnEngineAtWorkIsDrainedBeforeItGoes) {
  Caller first, second, absent;
  ask("a", first);
  is("a", EngineState::ready);
  ask("b", second);
  is("b", EngineState::ready);
  ask("c", absent);
  told();
  clock.advance(std::chrono::minutes(2));
  mesh.look_at_memory();
  EXPECT_THAT(told(), IsEmpty());
  ASSERT_EQ(mesh.residency_events(0, 1).at(0).what, What::drain);
  const std::string going = mesh.residency_events(0, 1).at(0).model;
  end(going == "a" ? 1 : 2);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::unload, going, "host"}));
}

TEST_F(ResidentsTest, AModelForAGpuGoesThereAndNowhereElse) {
  mesh.know({"a", 4, std::chrono::seconds(3), 1, false, false, rpc::DeviceKind::gpu});
  Caller caller;
  ask("a", caller);
  EXPECT_THAT(told(), IsEmpty());
  ASSERT_EQ(caller.refusals.size(), 1U);
  EXPECT_THAT(caller.refusals[0].detail, HasSubstr("to lie on a GPU, and this server has none"));
  report.devices.push_back({"gpu0", 8, rpc::DeviceKind::gpu});
  report_now();
  ask("a", caller);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "a", "gpu0"}));
  EXPECT_EQ(at("a").device, "gpu0");
  EXPECT_EQ(mesh.devices().back().kind, rpc::DeviceKind::gpu);
}

TEST_F(ResidentsTest, OnlyAModelThatSpreadsGoesIntoAGroupOfGpus) {
  report.devices.push_back({"gpu0+1", 8, rpc::DeviceKind::gpu, "", 2});
  report_now();
  mesh.know({.model = "alone", .bytes = 4, .load_guess = std::chrono::seconds(3), .kind = rpc::DeviceKind::gpu});
  mesh.know({.model = "large",
             .bytes = 7,
             .load_guess = std::chrono::seconds(3),
             .kind = rpc::DeviceKind::gpu,
             .spreads = true});
  Caller caller;
  ask("alone", caller);
  EXPECT_THAT(told(), IsEmpty());
  ASSERT_EQ(caller.refusals.size(), 1U);
  EXPECT_THAT(caller.refusals[0].detail, HasSubstr("to lie on one GPU, and this server has them in groups alone"));
  report.devices.push_back({"gpu2", 3, rpc::DeviceKind::gpu});
  report_now();
  EXPECT_THAT(at("alone").detail, HasSubstr("the largest single GPU here has 3 B for models"));
  ask("large", caller);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "large", "gpu0+1"}));
  const auto devices = mesh.devices();
  const auto group = std::ranges::find(devices, "gpu0+1", &rpc::DeviceResidency::device);
  ASSERT_NE(group, devices.end());
  EXPECT_EQ(group->cards, 2U);
  EXPECT_TRUE(suits(at("large"), *group));
  EXPECT_FALSE(suits(at("alone"), *group));
}

TEST_F(ResidentsTest, EveryDecisionHasItsReasonInTheLog) {
  serve("a");
  serve("b");
  Caller caller;
  ask("c", caller);
  gone("a");
  is("c", EngineState::ready);
  std::vector<std::pair<What, std::string>> log;
  for (const rpc::ResidencyEvent& event : mesh.residency_events(0, 100))
    log.insert(log.begin(), {event.what, event.model});
  using E = std::pair<What, std::string>;
  EXPECT_THAT(log, ElementsAre(E{What::load, "a"}, E{What::ready, "a"}, E{What::load, "b"}, E{What::ready, "b"},
                               E{What::unload, "a"}, E{What::gone, "a"}, E{What::load, "c"}, E{What::ready, "c"}));
  const auto page = mesh.residency_events(5, 2);
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].number, 4U);
  EXPECT_EQ(mesh.residency_events(6, 1).at(0).cause, rpc::ResidencyCause::makes_room);
  EXPECT_EQ(mesh.residency_events(6, 1).at(0).other, "c");
}

TEST_F(ResidentsTest, AModelThatFitsNowhereIsRefusedWithItsFigures) {
  mesh.know({"a", 9'000'000'000, {}});
  Caller caller;
  ask("a", caller);
  ASSERT_EQ(caller.refusals.size(), 1U);
  EXPECT_EQ(caller.refusals[0].cause, rpc::RefusalCause::model_failed);
  EXPECT_THAT(caller.refusals[0].detail, HasSubstr("it needs 9 GB"));
  EXPECT_FALSE(at("a").fits);
  const auto ordered = mesh.order("a", rpc::ResidencyAct::load);
  ASSERT_FALSE(ordered);
  EXPECT_EQ(ordered.error().code, Errc::invalid);
}

TEST_F(ResidentsTest, WhatIsUpIsServedThoughItsMemoryHasShrunkMeanwhile) {
  Caller running, loading, next;
  ask("b", running);
  is("b", EngineState::ready);
  ask("a", loading);
  report.devices[0].bytes = 3;  // others have taken some
  report_now();
  ask("b", next);
  EXPECT_THAT(next.refusals, IsEmpty());
  EXPECT_THAT(loading.refusals, IsEmpty());
  EXPECT_THAT(mesh.failed(), ElementsAre("c"));
  EXPECT_EQ(mesh.state("b"), EngineState::ready);
  is("a", EngineState::ready);
  EXPECT_EQ(loading.grants.size(), 1U);
  Caller absent;
  ask("c", absent);
  EXPECT_EQ(absent.refusals.size(), 1U) << "it could not be loaded";
}

TEST_F(ResidentsTest, WhoWaitsIsPromisedNoLessThanTheLoadOfItsOwnModel) {
  mesh.know({"slow", 4, std::chrono::seconds(170)});
  Caller caller, other;
  ask("slow", caller);
  EXPECT_EQ(caller.last_waiting.ready_in, Duration(170s));
  EXPECT_EQ(caller.last_waiting.promised, Duration(255s));
  ask("a", other);
  EXPECT_EQ(other.last_waiting.promised, Duration(60s));
}

TEST_F(ResidentsTest, OperatorsLoadPinAndUnload) {
  ASSERT_TRUE(mesh.order("b", rpc::ResidencyAct::load));
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "b", "host"}));
  is("b", EngineState::ready);
  EXPECT_EQ(at("b").cause, rpc::ResidencyCause::ordered);
  ASSERT_TRUE(mesh.order("b", rpc::ResidencyAct::pin));
  EXPECT_TRUE(at("b").pinned);
  const auto refused = mesh.order("b", rpc::ResidencyAct::unload);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  ASSERT_TRUE(mesh.order("b", rpc::ResidencyAct::unpin));
  ASSERT_TRUE(mesh.order("b", rpc::ResidencyAct::unload));
  EXPECT_THAT(told(), ElementsAre(Directive{Act::unload, "b", "host"}));
  EXPECT_EQ(mesh.order("elsewhere", rpc::ResidencyAct::load).error().code, Errc::not_found);
}

TEST_F(ResidentsTest, WhatAnEngineTookIsReadAndCounted) {
  serve("a");
  report.engines[0].bytes_read = 6;
  report_now();
  EXPECT_EQ(at("a").bytes, 6U);
  EXPECT_EQ(mesh.devices().at(0).taken, 6U);
}

TEST_F(ResidentsTest, AnUpstreamIsSomebodyElsesAffair) {
  rpc::EngineReport engine;
  engine.engine = "e";
  engine.model = "elsewhere";
  engine.state = EngineState::ready;
  engine.places = 1;
  report.engines.push_back(engine);
  report_now();
  Caller caller;
  ask("elsewhere", caller);
  EXPECT_EQ(caller.grants.size(), 1U);
  EXPECT_EQ(at("elsewhere").bytes, 0U);
  EXPECT_EQ(at("elsewhere").running, 1U);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(ResidentsTest, AModelThatIsRemovedAndComesBackElsewhereNeedsNoMemoryHere) {
  serve("a");
  mesh.remove_model("a");
  gone("a");
  mesh.know({"pinned", 6, std::chrono::seconds(3), 1, true});
  mesh.add_model("a");
  rpc::EngineReport engine;
  engine.engine = "a-there";
  engine.model = "a";
  engine.state = EngineState::ready;
  engine.places = 1;
  engine.engine_kind = "openai";
  report.engines.push_back(engine);
  report_now();
  is("pinned", EngineState::ready);
  Caller caller;
  ask("a", caller);
  EXPECT_EQ(caller.grants.size(), 1U);
  EXPECT_THAT(caller.refusals, IsEmpty());
  EXPECT_THAT(mesh.failed(), Not(Contains("a")));
}

TEST_F(ResidentsTest, ABrokenEngineIsBegunAgainForThoseWhoWait) {
  Caller caller;
  ask("a", caller);
  told();
  is("a", EngineState::starting);
  gone("a");
  EXPECT_THAT(told(), IsEmpty());  // not at once: it would fail again
  clock.advance(std::chrono::seconds(5));
  mesh.look_at_memory();
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "a", "host"}));
}

TEST_F(ResidentsTest, AModelThatIsAddedIsLoadedWhenItIsAskedFor) {
  mesh.add_model("d");
  mesh.know({"d", 4, std::chrono::seconds(3)});
  EXPECT_EQ(mesh.state("d"), EngineState::absent);
  Caller caller;
  ask("d", caller);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "d", "host"}));
  is("d", EngineState::ready);
  EXPECT_EQ(caller.grants.size(), 1U);
  EXPECT_EQ(mesh.state("d"), EngineState::ready);
}

TEST_F(ResidentsTest, ARemovedModelAnswersToTheEndAndRefusesThoseWhoWait) {
  Caller running, waiting, late;
  ask("a", running);
  is("a", EngineState::ready);
  ask("a", waiting);
  told();
  mesh.remove_model("a");
  ASSERT_EQ(waiting.refusals.size(), 1U);
  EXPECT_EQ(waiting.refusals[0].cause, rpc::RefusalCause::model_removed);
  EXPECT_THAT(told(), IsEmpty()) << "its engine answers still";
  EXPECT_TRUE(running.refusals.empty());
  ask("a", late);
  ASSERT_EQ(late.refusals.size(), 1U) << "its request was looked at before the model went";
  EXPECT_EQ(late.refusals[0].cause, rpc::RefusalCause::model_removed);
  end(1);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::unload, "a", "host"}));
  gone("a");
  EXPECT_FALSE(mesh.residency("a"));
  EXPECT_THAT(mesh.in_use(), testing::Not(testing::Contains("a")));
  for (const auto& one : mesh.models()) EXPECT_NE(one.model, "a");
  EXPECT_EQ(mesh.waiting(), 0U);
  EXPECT_EQ(mesh.running(), 0U);
}

TEST_F(ResidentsTest, WhatIsToBeTriedAgainIsRefusedOnceItsModelIsRemoved) {
  Caller caller;
  ask("a", caller);
  is("a", EngineState::ready);
  mesh.remove_model("a");
  rpc::End end{tickets, rpc::Outcome::failed};
  end.returned = true;
  mesh.end(end);
  ASSERT_EQ(caller.refusals.size(), 1U);
  EXPECT_EQ(caller.refusals[0].cause, rpc::RefusalCause::model_removed);
  EXPECT_EQ(mesh.waiting(), 0U);
}

TEST_F(ResidentsTest, AModelThatComesBackWaitsForItsFormerEngineToGo) {
  serve("a");
  told();
  mesh.remove_model("a");
  EXPECT_THAT(told(), ElementsAre(Directive{Act::unload, "a", "host"}));
  mesh.add_model("a");
  mesh.know({"a", 4, std::chrono::seconds(3)});
  Caller caller;
  ask("a", caller);
  EXPECT_TRUE(caller.grants.empty());
  gone("a");
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "a", "host"}));
  is("a", EngineState::ready);
  EXPECT_EQ(caller.grants.size(), 1U);
}

TEST_F(ResidentsTest, AChangedModelComesBackWithThePlacesOfItsNewEngine) {
  for (rpc::EngineReport& engine : report.engines) engine.places = 1;
  Caller first, second, third;
  ask("a", first);
  report.engines.back().places = 3;
  is("a", EngineState::ready);
  ask("a", second);
  told();
  mesh.know({"a", 4, std::chrono::seconds(3)});
  mesh.renew("a");
  ask("a", third);
  EXPECT_TRUE(third.grants.empty()) << "the engine that goes takes nobody on";
  EXPECT_THAT(told(), IsEmpty());
  end(1);
  end(2);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::unload, "a", "host"}));
  gone("a");
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "a", "host"}));
  is("a", EngineState::ready);
  EXPECT_EQ(third.grants.size(), 1U);
  for (const auto& one : mesh.models())
    if (one.model == "a") EXPECT_EQ(one.places, 1U);
}

TEST_F(ResidentsTest, AChangedModelThatFailedIsTriedAtOnceAndItsOldReasonIsForgotten) {
  Caller caller;
  ask("a", caller);
  report.engines.back().detail = "out of luck";
  is("a", EngineState::failed);
  told();
  mesh.renew("a");
  EXPECT_EQ(at("a").detail, "");
  EXPECT_THAT(told(), ElementsAre(Directive{Act::unload, "a", "host"}));
  report_now();
  EXPECT_EQ(at("a").detail, "") << "it is the former engine's";
  gone("a");
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "a", "host"}));
}

// An engine elsewhere answers to the end what it has begun, though its model is one of ours by then.
TEST_F(ResidentsTest, WhatRunsElsewhereGoesOnWhenItsModelComesBackAsOneOfOurs) {
  rpc::EngineReport upstream;
  upstream.engine = "far";
  upstream.model = "elsewhere";
  upstream.state = EngineState::ready;
  upstream.places = 2;
  upstream.engine_kind = "openai";
  report.engines.push_back(upstream);
  report_now();
  Caller ends, returns;
  ask("elsewhere", ends);
  ask("elsewhere", returns);
  ASSERT_EQ(returns.grants.size(), 1U);
  mesh.remove_model("elsewhere");
  mesh.add_model("elsewhere");
  gone("elsewhere");
  mesh.know({"elsewhere", 4, 3s});
  for (const std::uint64_t number : {1, 2}) EXPECT_EQ(mesh.ticket(number)->turn_in, Duration{});
  EXPECT_THAT(told(), IsEmpty());
  end(1);
  mesh.end({.ticket = 2, .outcome = rpc::Outcome::failed, .returned = true});
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "elsewhere", "host"}));
  EXPECT_EQ(at("elsewhere").waiting, 1U);
  is("elsewhere", EngineState::ready);
  EXPECT_EQ(returns.grants.size(), 2U);
  end(2);
  EXPECT_EQ(at("elsewhere").running, 0U);
}

// What is told of all that cannot be served is kept; it has to be what each says of itself.
TEST_F(ResidentsTest, TellsWhichModelsCannotBeServedWhateverHappens) {
  std::size_t told_of = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SeededRandom random(seed);
    std::deque<Caller> callers;
    for (int i = 0; i < 60; ++i) {
      const std::string model(1, static_cast<char>('a' + random.below(5)));
      switch (random.below(9)) {
        case 0:
          mesh.know({model, 1 + random.below(10), 3s, 1, random.below(4) == 0});
          break;
        case 1:
          (void)mesh.order(model, random.below(2) == 0 ? rpc::ResidencyAct::pin : rpc::ResidencyAct::unpin);
          break;
        case 2:
          report.devices[0].bytes = 4 + random.below(8);
          report_now();
          break;
        case 3:
          is(model, random.below(5) == 0 ? EngineState::failed : EngineState::ready);
          break;
        case 4:
          for (rpc::EngineReport& engine : report.engines)
            if (engine.model == model) engine.bytes_read = 1 + random.below(12);
          report_now();
          break;
        case 5:
          gone(model);
          break;
        case 6:
          if (mesh.model(model)) mesh.remove_model(model);
          break;
        default:
          mesh.add_model(model);
          ask(model, callers.emplace_back());
      }
      std::vector<std::string> failed;
      for (const rpc::ModelStatus& one : mesh.models())
        if (one.state == EngineState::failed) failed.push_back(one.model);
      ASSERT_EQ(mesh.failed(), failed);
      told_of += failed.size();
    }
    for (std::uint64_t number = 1; number <= tickets; ++number) end(number);
  }
  EXPECT_GT(told_of, 500U);
}

TEST_F(ResidentsTest, AModelElsewhereIsRemovedWithoutAWordToTheNode) {
  Caller waiting;
  ask("elsewhere", waiting);
  mesh.remove_model("elsewhere");
  EXPECT_EQ(waiting.refusals.size(), 1U);
  EXPECT_THAT(told(), IsEmpty());
  mesh.remove_model("elsewhere");
  mesh.remove_model("nobody");
}

}  // namespace
}  // namespace faelled::mesh
