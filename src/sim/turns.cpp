#include "sim/turns.hpp"

#include <algorithm>
#include <queue>
#include <string>

#include "residency/member_weights.hpp"
#include "sim/memory.hpp"
#include "sim/simulation.hpp"
#include "sim/turn_choosers.hpp"
#include "sim/turn_orders.hpp"

namespace faelled::sim {
namespace {

constexpr Instant begun{std::chrono::seconds(1)};  // a time of zero means never to some

struct Made {
  std::unique_ptr<Chooser> chooser;
  std::unique_ptr<Order> order;
  bool weighs = false;  // tickets by their members
};
using Maker = Made (*)(const Trace&, const World&);

residency::Settings planned(const World& world) {
  residency::Settings settings;
  settings.turn_least = world.memory->turn;
  return settings;
}

constexpr auto policies = std::to_array<std::pair<std::string_view, Maker>>(
    {{"commons",
      [](const Trace& trace, const World& world) {
        return Made{std::make_unique<Planned>(planned(world)), std::make_unique<FairOrder>(trace, world), true};
      }},
     {"unfair",
      [](const Trace& trace, const World& world) {
        return Made{std::make_unique<Planned>(planned(world)), std::make_unique<ArrivalOrder>(trace)};
      }},
     {"at-once",
      [](const Trace& trace, const World&) {
        return Made{std::make_unique<Ruled>(Ruled::Rule{}), std::make_unique<ArrivalOrder>(trace)};
      }},
     {"tenure",
      [](const Trace& trace, const World&) {
        return Made{std::make_unique<Ruled>(Ruled::Rule{.tenure = std::chrono::seconds(10), .ratio = 2}),
                    std::make_unique<ArrivalOrder>(trace)};
      }},
     {"fifo", [](const Trace& trace, const World&) {
        return Made{std::make_unique<Ruled>(Ruled::Rule{.one_line = true}), std::make_unique<OneLine>(trace)};
      }}});

class Play {
 public:
  Play(const Trace& trace, const World& world, Made made)
      : trace_(trace), world_(world), memory_(*world.memory), made_(std::move(made)), models_(trace.models.size()) {}

  Expected<Result> run() {
    result_.members = trace_.members;
    result_.loads.emplace();
    tell(residency::DeviceIs{0, memory_.bytes});
    const auto shapes = shapes_of(trace_, memory_);
    if (!shapes) return std::unexpected(shapes.error());
    for (residency::ModelNumber m = 0; m < models_.size(); ++m) {
      models_[m].shape = (*shapes)[m];
      tell(residency::ModelIs{m, models_[m].shape.bytes, models_[m].shape.load, memory_.answers->places});
    }
    for (RequestId row = 0; row < trace_.requests.size(); ++row) {
      const Request& request = trace_.requests[row];
      result_.outcomes.push_back(
          {request.at, request.member, request.input_tokens, request.output_tokens, std::nullopt});
      if (models_[request.model].shape.bytes <= memory_.bytes) at(begun + request.at, Kind::arrival, row);
    }
    while (true) {
      const Instant wake = made_.chooser->wake();
      if (!coming_.empty() && coming_.top().at <= wake) {
        const Event event = coming_.top();
        coming_.pop();
        now_ = event.at;
        happen(event);
      } else if (wake != Instant::max()) {
        now_ = wake;
        tell(residency::Tick{});
      } else {
        return std::move(result_);
      }
      serve();
    }
  }

 private:
  enum class Kind : std::uint8_t { arrival, loaded, answered };
  struct Event {
    Instant at;
    std::uint64_t number;  // of two at once the one that was known of first
    Kind kind;
    std::uint32_t what;  // a row of the trace, or a model
    std::uint64_t load;  // of a model: counts its loads
    bool operator>(const Event& other) const { return std::tie(at, number) > std::tie(other.at, other.number); }
  };
  struct Engine {
    ModelShape shape;
    bool ready = false;
    std::uint64_t loads = 0;
  };

  void at(Instant when, Kind kind, std::uint32_t what) {
    coming_.push({when, ++events_, kind, what, kind == Kind::loaded ? models_[what].loads : 0});
  }

  void happen(const Event& event) {
    if (event.kind == Kind::arrival) {
      const Request& request = trace_.requests[event.what];
      if (!models_[request.model].ready) ++result_.loads->misses;
      made_.order->arrived(now_, event.what);
      tell(residency::Arrived{event.what, request.model, weight_of(request)});
    } else if (event.kind == Kind::answered) {
      made_.order->ended(now_, event.what);
      tell(residency::Ended{event.what});
    } else if (models_[event.what].loads == event.load) {
      models_[event.what].ready = true;
      // Those it was loaded for start before anybody may send it away again.
      made_.order->serves(now_, event.what, memory_.answers->places);
      serve();
      tell(residency::EngineIs{event.what, 0, residency::EngineState::ready, 0, {}});
    }
  }

  void tell(const residency::Event& event) {
    for (const residency::Action& action : made_.chooser->step(now_, event)) carry_out(action);
  }

  void carry_out(const residency::Action& action) {
    if (const auto* load = std::get_if<residency::Load>(&action)) {
      Engine& engine = models_[load->model];
      ++engine.loads;
      ++result_.loads->loads;
      result_.loads->seconds += std::chrono::duration<double>(engine.shape.load).count();
      at(now_ + engine.shape.load, Kind::loaded, load->model);
    } else if (const auto* drain = std::get_if<residency::Drain>(&action)) {
      made_.order->serves(now_, drain->model, 0);
    } else if (const auto* serve = std::get_if<residency::Serve>(&action)) {
      made_.order->serves(now_, serve->model, memory_.answers->places);
    } else if (const auto* unload = std::get_if<residency::Unload>(&action)) {
      made_.order->serves(now_, unload->model, 0);
      models_[unload->model].ready = false;
      ++models_[unload->model].loads;  // one under way comes to nothing
      tell(residency::EngineGone{unload->model});
    }
  }

  void serve() {
    for (auto granted = made_.order->granted(); !granted.empty(); granted = made_.order->granted()) {
      for (const RequestId row : granted) {
        const Request& request = trace_.requests[row];
        const auto spent = [](std::uint32_t tokens, double each_s) {
          return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(tokens * each_s));
        };
        const Instant first = now_ + spent(request.input_tokens, memory_.answers->input_token_s);
        const Instant finished = first + spent(request.output_tokens, memory_.answers->output_token_s);
        result_.outcomes[row].served = Served{first - begun - request.at, finished - begun - request.at};
        weights_.left(trace_.members[request.member]);
        tell(residency::Started{row});
        at(finished, Kind::answered, row);
      }
    }
  }

  double weight_of(const Request& request) {
    const std::string& member = trace_.members[request.member];
    const double weight = weights_.arrived(member, member_of(world_, member).share);
    return made_.weighs ? weight : 1;
  }

  const Trace& trace_;
  const World& world_;
  const Memory& memory_;
  Made made_;
  std::vector<Engine> models_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> coming_;
  residency::MemberWeights weights_;
  std::uint64_t events_ = 0;
  Instant now_ = begun;
  Result result_;
};

}  // namespace

std::vector<std::string_view> turn_policy_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, make] : policies) names.push_back(name);
  return names;
}

Expected<Result> play_turns(const Trace& trace, const World& world, std::string_view policy) {
  const auto found = std::ranges::find(policies, policy, &std::pair<std::string_view, Maker>::first);
  if (found == policies.end())
    return fail(Errc::invalid, "'" + std::string(policy) + "' is no policy for models that take turns",
                "one of commons, unfair, at-once, tenure, fifo");
  return Play(trace, world, found->second(trace, world)).run();
}

}  // namespace faelled::sim
