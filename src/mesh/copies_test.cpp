#include <array>

#include "mesh/residents_testing.hpp"

namespace faelled::mesh {
namespace {

using rpc::Directive;
using rpc::EngineState;
using testing::ElementsAre;
using testing::IsEmpty;
using Act = rpc::Directive::Act;
using What = rpc::ResidencyEvent::What;

// Two memories of four bytes; model a may have an engine in each.
class CopiesTest : public ResidentsTest {
 protected:
  CopiesTest() {
    report.devices = {{"host", 0}, {"gpu0", 4}, {"gpu1", 4}};
    report_now();
    know_a();
  }

  void know_a() {
    Resident a{"a", 4, 3s};
    a.copies = 2;
    mesh.know(a);
  }
  void is_on(const std::string& device, EngineState state) {
    for (rpc::EngineReport& engine : report.engines)
      if (engine.device == device) engine.state = state;
    report_now();
  }
  void gone_from(const std::string& device) {
    std::erase_if(report.engines, [&](const rpc::EngineReport& e) { return e.device == device; });
    report_now();
  }
  // One is answered, two wait for so long that there is a further engine.
  void crowd() {
    for (Caller& caller : callers) ask("a", caller);
    is_on("gpu0", EngineState::ready);
    clock.advance(30s);
    mesh.look_at_memory();
  }
  rpc::ResidencyEvent last() { return mesh.residency_events(0, 1).at(0); }

  std::array<Caller, 3> callers;
};

TEST_F(CopiesTest, AFurtherEngineThatIsOrderedComesThoughNobodyWaits) {
  mesh.scale("a", 2);
  EXPECT_FALSE(at("a").scales) << "it is nowhere";
  ask("a", callers[0]);
  is_on("gpu0", EngineState::ready);
  (void)told();
  mesh.scale("a", 2);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "a", "gpu1"}));
  EXPECT_EQ(last().cause, rpc::ResidencyCause::ordered);
  EXPECT_TRUE(at("a").scales);
  is_on("gpu1", EngineState::ready);
  EXPECT_FALSE(at("a").scales);
  mesh.scale("nowhere", 2);
}

TEST_F(CopiesTest, AFurtherEngineTakesWhoWaits) {
  crowd();
  ASSERT_THAT(told(), ElementsAre(Directive{Act::load, "a", "gpu0"}, Directive{Act::load, "a", "gpu1"}));
  EXPECT_EQ(last().what, What::load);
  EXPECT_EQ(last().cause, rpc::ResidencyCause::busy);
  EXPECT_EQ(last().device, "gpu1");
  ASSERT_EQ(at("a").copies.size(), 1U);
  EXPECT_EQ(at("a").copies[0].state, EngineState::starting);
  is_on("gpu1", EngineState::ready);
  ASSERT_EQ(callers[1].grants.size(), 1U);
  EXPECT_NE(callers[1].grants[0].engine, callers[0].grants[0].engine);
  EXPECT_EQ(last().what, What::ready);
  const rpc::ModelResidency a = at("a");
  EXPECT_EQ(a.device, "gpu0");
  EXPECT_EQ(a.running, 2U);
  EXPECT_EQ(a.copies[0].device, "gpu1");
  EXPECT_EQ(a.copies[0].running, 1U);
  EXPECT_EQ(a.copies[0].cause, rpc::ResidencyCause::busy);
  EXPECT_EQ(mesh.residency_counts().copies, 1U);
}

// Invariant: no answer cut off.
TEST_F(CopiesTest, OneOfTheTwoTakesNoTicketsAnyMoreWhenAnAbsentModelIsWaitedFor) {
  crowd();
  is_on("gpu1", EngineState::ready);
  told();
  Caller absent;
  ask("b", absent);
  EXPECT_THAT(told(), IsEmpty()) << "it answers still";
  EXPECT_EQ(last().what, What::drain);
  EXPECT_EQ(last().cause, rpc::ResidencyCause::spare);
  ASSERT_EQ(last().device, "gpu0");
  EXPECT_EQ(at("a").device, "gpu1") << "the further engine takes the part of the first";
  end(1);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::unload, "a", "gpu0"}));
  EXPECT_TRUE(callers[2].grants.empty());
  end(2);
  ASSERT_EQ(callers[2].grants.size(), 1U);
  EXPECT_EQ(callers[2].grants[0].engine, callers[1].grants[0].engine);
  gone_from("gpu0");
  EXPECT_EQ(at("a").state, EngineState::ready);
  EXPECT_THAT(at("a").copies, IsEmpty());
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "b", "gpu0"}));
}

TEST_F(CopiesTest, AFurtherEngineThatFailsIsEndedAndTheModelServes) {
  crowd();
  told();
  report.engines.back().detail = "no such device";
  is_on("gpu1", EngineState::failed);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::unload, "a", "gpu1"}));
  const auto events = mesh.residency_events(0, 2);
  EXPECT_EQ(events[1].what, What::failed);
  EXPECT_EQ(events[1].detail, "no such device");
  EXPECT_TRUE(at("a").detail.empty()) << "of the model nothing is wrong";
  for (const Caller& caller : callers) EXPECT_TRUE(caller.refusals.empty());
}

TEST_F(CopiesTest, EachEngineIsReportedWithItsOwnRestarts) {
  std::uint64_t restarted = 0;
  mesh.on_engine_restart([&](const std::string&, std::uint64_t times) { restarted += times; });
  crowd();
  report.engines[0].restarts = 2;
  is_on("gpu1", EngineState::ready);
  report_now();
  EXPECT_EQ(restarted, 2U);
}

TEST_F(CopiesTest, WhenTheFirstDiesTheFurtherOneIsTheModels) {
  crowd();
  is_on("gpu1", EngineState::ready);
  told();
  gone_from("gpu0");
  EXPECT_EQ(at("a").state, EngineState::ready);
  EXPECT_EQ(at("a").device, "gpu1");
  EXPECT_THAT(at("a").copies, IsEmpty());
  mesh.end({1, rpc::Outcome::failed, 0, 0, 0});
  end(2);
  EXPECT_EQ(callers[2].grants.size(), 1U);
  EXPECT_EQ(at("a").running, 1U);
}

}  // namespace
}  // namespace faelled::mesh
