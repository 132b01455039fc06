// Names that move while people use the memory: AliasKeeper over a real mesh and planner, and a node where engines come
// up, go and break by chance.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/random.hpp"
#include "keeping/alias_keeper.hpp"
#include "mesh/mesh.hpp"
#include "net/loop.hpp"
#include "store/loop_testing.hpp"

namespace faelled::keeping {
namespace {

using gateway::MovingAlias;
using rpc::EngineState;
using std::chrono::milliseconds;

// One who asks for a model again and again.
struct Person final : rpc::TicketListener {
  void granted(const rpc::Grant& grant) override { running = grant.ticket; }
  void waiting(const rpc::Waiting&) override {}
  void refused(const rpc::Refusal&) override { asked = 0; }
  void revoked() override {}
  std::string model;
  std::uint64_t asked = 0, running = 0;  // ticket; 0: none
  int answer_takes = 1, left = 0;        // turns
};

// Model 0 is what the name means, 1 what it is to mean; others are pinned or asked for.
class History final : public rpc::NodePort {
 public:
  History(std::uint64_t seed, bool breaks) : random(seed), breaks_(breaks) {
    std::vector<gateway::CatalogueModel> models(2 + random.below(4));
    for (std::size_t i = 0; i < models.size(); ++i) models[i].settings.id = "m" + std::to_string(i);
    catalogue.emplace(std::move(models), WallTime{});
    log = observe::Log::open((folder / "log").string(), observe::Level::error).value();
    keeper.emplace(loop, *catalogue, *mesh, *log, [](auto&&...) {}, milliseconds(1));
    mesh->nodes(*this);
    report.devices = {{"host", 60 + 20 * random.below(5)}};
    if (random.below(3) == 0) report.devices.push_back({"other", 60});
    mesh->report(rpc::Report(report));
    for (std::size_t i = 0; i < catalogue->size(); ++i) {
      mesh::Resident is{"m" + std::to_string(i), 10 + 10 * random.below(5), std::chrono::seconds(2)};
      is.pinned = i > 1 && random.below(4) == 0;
      is.at_start = random.below(2) == 0;
      mesh->know(is);
    }
    turns(20);
    for (std::size_t i = 0; i < catalogue->size(); ++i) {
      if (i == 1 || (i > 0 && random.below(3) == 0)) continue;
      for (std::size_t n = 1 + random.below(3); n > 0; --n) {
        Person& one = people.emplace_back();
        one.model = "m" + std::to_string(i);
        one.answer_takes = static_cast<int>(1 + random.below(5));
      }
    }
    turns(50);
  }
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  void direct(const rpc::Directive& directive) override { told_.push_back(directive); }

  // A second for the models, a millisecond for the loop.
  void turns(int count, const std::function<bool()>& until = [] { return false; }) {
    net::Loop::Hold hold(loop);
    net::Timer next(loop, [&] {
      turn();
      if (--count <= 0 || until()) return loop.stop();
      next.arm(milliseconds(1));
    });
    next.arm({});
    loop.run();
  }
  const MovingAlias& best() const { return catalogue->moving().at("best"); }
  // "best" means m0, and is to mean m1.
  void move() {
    keeper->move({.name = "best", .model = "m0", .version = 1});
    keeper->move({.name = "best", .model = "m0", .moving_to = "m1", .version = 2});
  }
  bool may_move() const { return keeper->may_move({"best", "m0", "m1"}).has_value(); }

  SeededRandom random;
  net::Loop loop;
  store::TestFolder folder;
  ManualClock clock;
  std::optional<gateway::Catalogue> catalogue;
  std::optional<mesh::Mesh> mesh{std::in_place, clock, settings()};
  std::unique_ptr<observe::Log> log;
  std::optional<AliasKeeper> keeper;
  std::deque<Person> people;
  rpc::Report report{.node = "n1"};
  std::size_t begun = 0;  // engines of m1

 private:
  static mesh::Mesh::Settings settings() {
    mesh::Mesh::Settings settings;
    settings.residency.turn_least = std::chrono::seconds(3);
    return settings;
  }
  void turn() {
    clock.advance(std::chrono::seconds(1));
    for (rpc::EngineReport& engine : report.engines)
      if (engine.state == EngineState::starting && random.below(2) == 0) {
        const bool failed = breaks_ && engine.model == "m1";
        engine.state = failed ? EngineState::failed : EngineState::ready;
        engine.detail = failed ? "its file is cut off" : "";
      }
    for (const rpc::Directive& directive : std::exchange(told_, {})) {
      carry_out(directive);
      mesh->report(rpc::Report(report));
    }
    mesh->report(rpc::Report(report));
    mesh->look_at_memory();
    for (Person& one : people) look(one);
  }
  void carry_out(const rpc::Directive& directive) {
    if (directive.act == rpc::Directive::Act::load) {
      begun += directive.model == "m1" ? 1 : 0;
      rpc::EngineReport& engine = report.engines.emplace_back();
      engine.engine = directive.model + "-" + std::to_string(++engines_);
      engine.model = directive.model;
      engine.state = EngineState::starting;
      engine.places = 1;
      engine.engine_kind = "llama";
      engine.device = directive.device;
    } else {
      std::erase_if(report.engines, [&](const rpc::EngineReport& engine) {
        return engine.model == directive.model && engine.device == directive.device;
      });
    }
  }
  void look(Person& one) {
    if (one.running != 0 && --one.left <= 0) {
      const std::uint64_t ticket = std::exchange(one.running, 0);
      one.asked = 0;
      mesh->end({ticket, rpc::Outcome::done, 1, 0, 1});
    }
    if (one.asked != 0) return;
    one.left = one.answer_takes;
    rpc::Ticket ticket;
    ticket.number = one.asked = ++tickets_;
    ticket.member = "aarhus";
    ticket.model = one.model;
    ticket.admitted = clock.now();
    mesh->submit(ticket, one);
  }

  bool breaks_;
  std::vector<rpc::Directive> told_;
  std::uint64_t tickets_ = 0;
  std::size_t engines_ = 0;
};

// Whatever lies in memory, and whoever wants its room: the name moves, and its model is not brought in again and again.
TEST(AliasHistories, ANameMovesWhateverTheMemoryIsUsedFor) {
  int moved = 0, pressed = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    History history(seed, false);
    if (!history.may_move()) continue;
    const std::size_t before = history.begun;
    history.move();
    pressed += history.best().moving_to.empty() ? 0 : 1;
    history.turns(300, [&] { return history.best().model == "m1"; });
    EXPECT_EQ(history.best().model, "m1");
    EXPECT_LE(history.begun - before, 2U);
    ++moved;
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(moved, 15);
  EXPECT_GT(pressed, 8);
}

TEST(AliasHistories, AModelThatBreaksIsNotBroughtInAgainAndAgain) {
  int tried = 0;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    History history(seed, true);
    if (!history.may_move()) continue;
    const std::size_t before = history.begun;
    history.move();
    if (history.best().moving_to.empty()) continue;
    history.turns(200);
    EXPECT_EQ(history.best().model, "m0");
    EXPECT_EQ(history.best().detail, "its file is cut off");
    EXPECT_LE(history.begun - before, 2U);
    ++tried;
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(tried, 4);
}

}  // namespace
}  // namespace faelled::keeping
