#include "mesh/residents.hpp"
#include "mesh/residents_testing.hpp"

namespace faelled::mesh {
namespace {

using rpc::Directive;
using rpc::EngineState;
using testing::ElementsAre;
using testing::HasSubstr;
using Act = rpc::Directive::Act;
using What = rpc::ResidencyEvent::What;

// A device of 10 with a memory of 7 behind it, and models of 8 whose weights are 6.
class SleepersTest : public ResidentsTest {
 protected:
  SleepersTest() {
    report.devices = {{"gpu0", 10, rpc::DeviceKind::host, "host"}, {"host", 7}};
    for (const char* model : {"a", "b", "c"})
      mesh.know({model, 8, std::chrono::seconds(30), 1, false, false, rpc::DeviceKind::host, 6, 1});
    report_now();
  }
  void serve(const std::string& model) {
    Caller caller;
    ask(model, caller);
    for (rpc::EngineReport& engine : report.engines)
      if (engine.model == model) engine.bytes_read = 8;
    is(model, EngineState::ready);
    end();
    told();
  }
  void asleep(const std::string& model, std::uint64_t holds) {
    for (rpc::EngineReport& engine : report.engines)
      if (engine.model == model) engine.bytes_read = holds;
    is(model, EngineState::asleep);
  }
  // It sleeps, and whoever asks for it is told that its engine starts.
  void begin_anew_instead_of_waking(Caller& caller, const std::string& why) {
    serve("a");
    ASSERT_TRUE(mesh.order("a", rpc::ResidencyAct::sleep));
    asleep("a", 1);
    ask("a", caller);
    is("a", EngineState::waking);
    for (rpc::EngineReport& engine : report.engines) engine.detail = why;
    is("a", EngineState::starting);
  }
  std::vector<std::pair<What, std::string>> happened(std::size_t most) {
    std::vector<std::pair<What, std::string>> all;
    for (const auto& event : mesh.residency_events(0, most)) all.emplace_back(event.what, event.model);
    return all;
  }
};

TEST_F(SleepersTest, AnUnusedModelSleepsForAnotherAndIsWokenByWhoAsks) {
  serve("a");
  Caller caller;
  ask("b", caller);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::sleep, "a", "gpu0"}));
  EXPECT_EQ(at("a").state, EngineState::draining);
  EXPECT_EQ(at("a").backing, "host");
  EXPECT_EQ(at("a").backed, 6U);
  asleep("a", 1);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "b", "gpu0"}));
  EXPECT_EQ(at("a").state, EngineState::asleep);
  EXPECT_EQ(at("a").taken, 1U);
  is("b", EngineState::ready);
  EXPECT_EQ(caller.grants.size(), 1U);
  end();
  ask("a", caller);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::unload, "b", "gpu0"}));  // no room behind for both
  EXPECT_EQ(caller.last_waiting.ready_in, Duration(500ms));
  gone("b");
  EXPECT_THAT(told(), ElementsAre(Directive{Act::wake, "a", "gpu0"}));
  is("a", EngineState::waking);
  EXPECT_EQ(caller.grants.size(), 1U) << "it does not answer yet";
  EXPECT_EQ(at("a").state, EngineState::waking);
  is("a", EngineState::ready);
  EXPECT_EQ(caller.grants.size(), 2U);
  EXPECT_THAT(happened(5),
              ElementsAre(std::pair(What::ready, "a"), std::pair(What::wake, "a"), std::pair(What::gone, "b"),
                          std::pair(What::unload, "b"), std::pair(What::ready, "b")));
}

// Its engine is there, and would take the request and never answer it.
TEST_F(SleepersTest, NoTicketGoesToASleeperWhateverItsEngineSays) {
  serve("a");
  ASSERT_TRUE(mesh.order("a", rpc::ResidencyAct::sleep));
  EXPECT_THAT(told(), ElementsAre(Directive{Act::sleep, "a", "gpu0"}));
  Caller caller;
  ask("a", caller);
  EXPECT_TRUE(caller.grants.empty()) << "it is told to sleep, and still reported as ready";
  EXPECT_FALSE(caller.last_waiting.model_ready);
  is("a", EngineState::draining);
  asleep("a", 1);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::wake, "a", "gpu0"})) << "somebody waits for it";
  EXPECT_TRUE(caller.grants.empty());
  is("a", EngineState::ready);
  EXPECT_EQ(caller.grants.size(), 1U);
}

TEST_F(SleepersTest, OneThatKeepsItsMemoryEndsAndTheReasonIsTold) {
  serve("a");
  Caller caller;
  ask("b", caller);
  told();
  asleep("a", 7);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::unload, "a", "gpu0"}));
  const auto event = mesh.residency_events(0, 1).at(0);
  EXPECT_EQ(event.what, What::unload);
  EXPECT_EQ(event.cause, rpc::ResidencyCause::keeps);
  EXPECT_THAT(event.detail, HasSubstr("it says that it sleeps, and still holds"));
  gone("a");
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "b", "gpu0"}));
  EXPECT_FALSE(at("a").can_sleep);
  is("b", EngineState::ready);
  end();
  ask("a", caller);
  gone("b");
  is("a", EngineState::ready);
  end();
  const auto refused = mesh.order("a", rpc::ResidencyAct::sleep);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("still holds"));
}

TEST_F(SleepersTest, OneThatEndedInsteadIsToldWithItsReason) {
  serve("a");
  ASSERT_TRUE(mesh.order("a", rpc::ResidencyAct::sleep));
  for (rpc::EngineReport& engine : report.engines) engine.detail = "it did not fall asleep";
  is("a", EngineState::draining);
  gone("a");
  const auto event = mesh.residency_events(0, 1).at(0);
  EXPECT_EQ(event.what, What::gone);
  EXPECT_EQ(event.cause, rpc::ResidencyCause::broken);
  EXPECT_EQ(event.detail, "it did not fall asleep");
  EXPECT_EQ(at("a").state, EngineState::absent);
}

TEST_F(SleepersTest, OneThatIsBegunAnewInsteadOfWakingIsLoadingWithItsReason) {
  Caller caller;
  begin_anew_instead_of_waking(caller, "it did not wake up");
  EXPECT_EQ(at("a").state, EngineState::starting);
  const auto event = mesh.residency_events(0, 1).at(0);
  EXPECT_EQ(event.what, What::load);
  EXPECT_EQ(event.cause, rpc::ResidencyCause::broken);
  EXPECT_EQ(event.detail, "it did not wake up");
}

TEST_F(SleepersTest, OperatorsPutToSleepAndWake) {
  EXPECT_FALSE(mesh.order("a", rpc::ResidencyAct::sleep)) << "it is not there";
  EXPECT_FALSE(mesh.order("a", rpc::ResidencyAct::wake));
  serve("a");
  EXPECT_FALSE(mesh.order("a", rpc::ResidencyAct::wake)) << "it is awake";
  ASSERT_TRUE(mesh.order("a", rpc::ResidencyAct::pin));
  EXPECT_FALSE(mesh.order("a", rpc::ResidencyAct::sleep));
  ASSERT_TRUE(mesh.order("a", rpc::ResidencyAct::unpin));
  ASSERT_TRUE(mesh.order("a", rpc::ResidencyAct::sleep));
  asleep("a", 1);
  EXPECT_EQ(at("a").cause, rpc::ResidencyCause::ordered);
  told();
  ASSERT_TRUE(mesh.order("a", rpc::ResidencyAct::wake));
  EXPECT_THAT(told(), ElementsAre(Directive{Act::wake, "a", "gpu0"}));
  is("a", EngineState::ready);
  report.devices[1].bytes = 5;
  report_now();
  const auto refused = mesh.order("a", rpc::ResidencyAct::sleep);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("no room for the weights"));
}

// A model whose weights have no room behind its device, and that can forget them.
class ForgettersTest : public SleepersTest {
 protected:
  ForgettersTest() {
    report.devices[1].bytes = 5;
    for (const char* model : {"a", "b"})
      mesh.know({model, 8, std::chrono::seconds(30), 1, false, false, rpc::DeviceKind::host, 6, 1, 1, true});
    report_now();
  }
};

TEST_F(ForgettersTest, SleepsWithoutItsWeightsAndTheLevelIsTold) {
  serve("a");
  Caller caller;
  ask("b", caller);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::sleep, "a", "gpu0", 2}));
  EXPECT_EQ(at("a").state, EngineState::draining);
  EXPECT_EQ(at("a").sleep_level, 2U);
  EXPECT_EQ(at("a").backing, "");
  EXPECT_EQ(mesh.residency_events(0, 1).at(0).level, 2U);
  asleep("a", 1);
  EXPECT_EQ(at("a").state, EngineState::asleep);
  EXPECT_EQ(at("a").sleep_level, 2U);
  EXPECT_EQ(at("b").sleep_level, 0U);
  for (const rpc::DeviceResidency& device : mesh.devices())
    EXPECT_EQ(device.taken, device.device == "gpu0" ? 9U : 0U) << device.device;
  is("b", EngineState::ready);
  end();
  ask("a", caller);
  asleep("b", 1);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::load, "b", "gpu0"}, Directive{Act::sleep, "b", "gpu0", 2},
                                  Directive{Act::wake, "a", "gpu0"}));
  is("a", EngineState::waking);
  EXPECT_EQ(mesh.residency_events(0, 1).at(0).what, What::wake);
  EXPECT_EQ(mesh.residency_events(0, 1).at(0).level, 2U);
  is("a", EngineState::ready);
  EXPECT_EQ(at("a").sleep_level, 0U);
  EXPECT_EQ(mesh.residency_counts().forgets, 2U);
}

TEST_F(ForgettersTest, OneThatIsBegunAnewInsteadOfWakingHasItsReasonAndEndsTheNextTime) {
  Caller caller;
  begin_anew_instead_of_waking(caller, "it could not be woken: status 500");
  const auto event = mesh.residency_events(0, 1).at(0);
  EXPECT_EQ(event.what, What::load);
  EXPECT_EQ(event.detail, "it could not be woken: status 500");
  for (rpc::EngineReport& engine : report.engines) engine.detail.clear();
  is("a", EngineState::ready);
  EXPECT_EQ(caller.grants.size(), 1U);
  end();
  told();
  const auto refused = mesh.order("a", rpc::ResidencyAct::sleep);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("no room for the weights"));
  ask("b", caller);
  EXPECT_THAT(told(), ElementsAre(Directive{Act::unload, "a", "gpu0"}));
}

}  // namespace
}  // namespace faelled::mesh
