// The mesh, a node and vLLM's double (tests/fake_vllm) together: two models on a device that holds one, with a memory
// behind it for one sleeper.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/random.hpp"
#include "http/client.hpp"
#include "mesh/mesh.hpp"
#include "net/loop.hpp"
#include "net/timer.hpp"
#include "node/fake_vllm_testing.hpp"
#include "node/node.hpp"
#include "observe/log.hpp"

namespace faelled::app {
namespace {

using testing::HasSubstr;
using What = rpc::ResidencyEvent::What;

struct Caller final : rpc::TicketListener {
  explicit Caller(net::Loop& l) : loop(l) {}
  void granted(const rpc::Grant& g) override {
    grant = g;
    loop.stop();
  }
  void waiting(const rpc::Waiting& w) override { last_waiting = w; }
  void refused(const rpc::Refusal& r) override {
    refusal = r.detail;
    loop.stop();
  }
  void revoked() override {}
  net::Loop& loop;
  std::optional<rpc::Grant> grant;
  std::string refusal;
  rpc::Waiting last_waiting;
};

class Sleepers : public testing::Test {
 protected:
  static constexpr std::uint64_t mb = 1'000'000;

  Sleepers() {
    char name[] = "/tmp/sleepers-test-XXXXXX";
    folder = ::mkdtemp(name);
    log = std::move(*observe::Log::open(folder + "/log", observe::Level::debug));
    // A double loads in a moment; what it takes to wake is shorter.
    mesh.emplace(clock, mesh::Mesh::Settings{.models = {"a", "b"}, .residency = {.wake_least = 1ms}});
    mesh->on_wake([this](Instant at) { at == Instant::max() ? ticks.cancel() : ticks.arm_at(at); });
  }
  ~Sleepers() override {
    node.reset();
    net::Timer deadline(loop, [this] { loop.stop(); });
    deadline.arm(100ms);
    loop.run();
    std::filesystem::remove_all(folder);
  }

  // `behind`: of the memory behind the device; less than the weights: they are forgotten.
  void start(std::string_view faults, std::uint64_t behind = 70 * mb) {
    node::Node::Settings settings;
    settings.folder = folder;
    settings.devices = {{"gpu0", 150 * mb, rpc::DeviceKind::host, "host"}, {"host", behind}};
    settings.memory_read_every = 10ms;
    settings.patience.restart_first = 20ms;
    for (const char* id : {"a", "b"}) {
      settings.models.push_back(node::fake_vllm_model(id, folder + "/" + id, faults));
      mesh->know({id, 100 * mb, 5s, 1, false, false, rpc::DeviceKind::host, 67 * mb, 40 * mb, 1, true});
    }
    node.emplace(loop, client, clock, random, *log, *mesh, std::move(settings));
    mesh->nodes(*node);
    ASSERT_TRUE(node->start());
  }
  rpc::Grant served(const std::string& id) {
    Caller caller(loop);
    rpc::Ticket ticket;
    ticket.number = ++tickets;
    ticket.member = "aarhus";
    ticket.model = id;
    ticket.admitted = clock.now();
    mesh->submit(ticket, caller);
    net::Timer deadline(loop, [this] { loop.stop(); });
    deadline.arm(60s);
    net::Loop::Hold hold(loop);
    if (!caller.grant) loop.run();
    EXPECT_TRUE(caller.grant) << caller.refusal;
    const auto grant = caller.grant.value_or(rpc::Grant{});
    if (caller.grant) EXPECT_EQ(answer_of(grant.endpoint.unix_path), 200);
    mesh->end({tickets, rpc::Outcome::done, 1, 0, 1});
    return grant;
  }
  // Of one token, as a gateway would ask for it.
  int answer_of(const std::string& socket) {
    int status = 0;
    const auto ask = [](Sleepers& self, std::string path, int& out) -> net::Task<void> {
      const auto answer = co_await self.client.ask({.unix_path = path}, "POST", "/v1/completions",
                                                   "Content-Type: application/json\r\n", "{}", 10s, 10'000);
      out = answer ? answer->status : 0;
      self.loop.stop();
    };
    loop.spawn(ask(*this, socket, status));
    loop.run();
    return status;
  }
  std::pair<rpc::EngineState, std::uint8_t> state_of(const std::string& id) {
    const auto one = mesh->residency(id).value_or(rpc::ModelResidency{});
    return {one.state, one.sleep_level};
  }
  // Oldest first.
  std::vector<What> happened_to(const std::string& id) {
    std::vector<What> all;
    for (const auto& event : mesh->residency_events(0, 100))
      if (event.model == id) all.insert(all.begin(), event.what);
    return all;
  }

  net::Loop loop;
  http::Client client{loop};
  SystemClock clock;
  SystemRandom random;
  std::string folder;
  std::unique_ptr<observe::Log> log;
  std::optional<mesh::Mesh> mesh;
  net::Timer ticks{loop, [this] { mesh->look_at_memory(); }};
  std::optional<node::Node> node;
  std::uint64_t tickets = 0;
};

TEST_F(Sleepers, OneSleepsForTheOtherAndIsWokenByWhoAsks) {
  start("");
  const rpc::Grant first = served("a");
  served("b");
  const rpc::Grant again = served("a");
  EXPECT_EQ(again.engine, first.engine) << "the same process";
  EXPECT_THAT(happened_to("a"),
              testing::ElementsAre(What::load, What::ready, What::sleep, What::asleep, What::wake, What::ready));
  EXPECT_EQ(mesh->residency_counts().loads, 2U);
  EXPECT_EQ(mesh->residency_counts().wakes, 1U);
}

TEST_F(Sleepers, WithoutRoomForItsWeightsItForgetsThemAndReadsThemAgainForWhoAsks) {
  start("", 10 * mb);
  const rpc::Grant first = served("a");
  served("b");
  EXPECT_EQ(state_of("a"), std::pair(rpc::EngineState::asleep, std::uint8_t{2}));
  EXPECT_EQ(mesh->devices().back().taken, 0U);
  const rpc::Grant again = served("a");
  EXPECT_EQ(again.engine, first.engine) << "the same process";
  EXPECT_THAT(happened_to("a"),
              testing::ElementsAre(What::load, What::ready, What::sleep, What::asleep, What::wake, What::ready));
  EXPECT_EQ(mesh->residency_counts().loads, 2U);
  EXPECT_EQ(mesh->residency_counts().forgets, 2U);
}

TEST_F(Sleepers, OneThatDoesNotHaveItsWeightsBackIsBegunAnewAndDoesNotForgetAgain) {
  start("hollow", 10 * mb);
  const rpc::Grant first = served("a");
  served("b");
  const rpc::Grant again = served("a");
  EXPECT_NE(again.engine, first.engine);
  const auto events = mesh->residency_events(0, 100);
  const auto why = std::ranges::find_if(events, [](const auto& one) { return !one.detail.empty(); });
  ASSERT_NE(why, events.end());
  EXPECT_EQ(why->what, What::load);
  EXPECT_THAT(why->detail, HasSubstr("could not be woken: /v1/completions does not answer as it should"));
  served("b");
  EXPECT_EQ(state_of("a").first, rpc::EngineState::absent);
}

TEST_F(Sleepers, OneThatSaysItSleepsAndKeepsItsMemoryEnds) {
  start("keeps");
  served("a");
  net::Timer enough(loop, [this] { loop.stop(); });
  enough.arm(100ms);  // in which its memory is read
  loop.run();
  served("b");
  const auto events = mesh->residency_events(0, 100);
  const auto why = std::ranges::find_if(
      events, [](const auto& one) { return one.what == What::unload && one.cause == rpc::ResidencyCause::keeps; });
  ASSERT_NE(why, events.end());
  EXPECT_EQ(why->model, "a");
  EXPECT_THAT(why->detail, testing::ContainsRegex("still holds [0-9]+ MB"));
  EXPECT_FALSE(mesh->residency("a")->can_sleep);
  served("a");
  EXPECT_EQ(mesh->residency_counts().wakes, 0U);
}

}  // namespace
}  // namespace faelled::app
