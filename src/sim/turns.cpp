#include "sim/turns.hpp"

#include <algorithm>
#include <deque>
#include <queue>
#include <ranges>
#include <unordered_map>
#include <utility>

#include "base/seconds.hpp"
#include "residency/member_weights.hpp"
#include "sim/engine.hpp"
#include "sim/memory.hpp"
#include "sim/ranks.hpp"
#include "sim/simulation.hpp"
#include "sim/turn_choosers.hpp"
#include "sim/turn_orders.hpp"
#include "sim/world_policies.hpp"

namespace faelled::sim {
namespace {

constexpr Instant begun{std::chrono::seconds(1)};  // a time of zero means never to some

struct Made {
  std::unique_ptr<Chooser> chooser;
  std::unique_ptr<Order> order;
  bool weighs = false;  // tickets by their members
};
using Maker = Made (*)(const Trace&, const World&);
using Shapes = std::vector<ModelShape>;  // of the trace's models

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

// One of the table, or: who is asked for comes at once, and of those that nobody uses the least by that rank goes.
std::optional<Made> made_of(std::string_view policy, const Trace& trace, const World& world, const Shapes& shapes) {
  const auto found = std::ranges::find(policies, policy, &std::pair<std::string_view, Maker>::first);
  if (found != policies.end()) return found->second(trace, world);
  if (auto rank = make_rank(policy, trace, shapes))
    return Made{std::make_unique<Ruled>(Ruled::Rule{}, std::move(rank)), std::make_unique<ArrivalOrder>(trace)};
  return std::nullopt;
}

class Play final : private Desk {
 public:
  Play(const Trace& trace, const World& world, const Shapes& shapes, Made made, std::optional<std::uint64_t> seed)
      : trace_(trace), world_(world), memory_(*world.memory), made_(std::move(made)), models_(trace.models.size()) {
    for (EngineId m = 0; m < models_.size(); ++m) {
      models_[m].shape = shapes[m];
      const StepLength length(seed ? world.jitter : 0, seed.value_or(0) * models_.size() + m);
      models_[m].engine = make_engine(m, *memory_.answers, length);
      models_[m].turn.arrival_wakes = Duration{};
    }
  }

  Result run() && {
    result_.members = trace_.members;
    result_.loads.emplace();
    tell(residency::DeviceIs{0, memory_.bytes});
    for (residency::ModelNumber m = 0; m < models_.size(); ++m)
      tell(residency::ModelIs{m, models_[m].shape.bytes, models_[m].shape.load, places_});
    for (RequestId row = 0; row < trace_.requests.size(); ++row) {
      const Request& request = trace_.requests[row];
      result_.outcomes.push_back(
          {request.at, request.member, request.input_tokens, request.output_tokens, std::nullopt});
      if (models_[request.model].shape.bytes <= memory_.bytes && can_ever_fit(*memory_.answers, request))
        at(begun + request.at, Kind::arrival, row);
    }
    for (std::uint32_t quarter = 0; !trace_.requests.empty() && quarter * quarter_lasts <= trace_.requests.back().at;
         ++quarter)
      at(begun + quarter * quarter_lasts, Kind::quarter, quarter);
    while (go_on()) serve();
    const residency::Counts counts = made_.chooser->counts();
    result_.loads->warmed = counts.warmed;
    result_.loads->warmed_used = counts.warmed_used;
    return std::move(result_);
  }

 private:
  enum class Kind : std::uint8_t { arrival, loaded, quarter };
  struct Event {
    Instant at;
    std::uint64_t number;  // of two at once the one that was known of first
    Kind kind;
    std::uint32_t what;  // a row of the trace, a model, or a quarter of an hour since the beginning
    std::uint64_t load;  // of a model: counts its loads
    bool operator>(const Event& other) const { return std::tie(at, number) > std::tie(other.at, other.number); }
  };
  struct Station {
    ModelShape shape;
    std::unique_ptr<Engine> engine;
    Turn turn;
    std::deque<RequestId> granted;  // it takes them up at its next turn
    bool loading = false;
    bool ready = false;
    bool serves = false;  // ready, and not to go
    std::uint64_t loads = 0;
  };
  static constexpr std::chrono::minutes quarter_lasts{15};

  // To the next thing that happens. False: nothing will.
  bool go_on() {
    const auto next = std::ranges::min_element(models_, {}, [](const Station& station) { return station.turn.at; });
    const Instant turn = next == models_.end() ? Instant::max() : next->turn.at;
    const Instant wake = made_.chooser->wake();
    if (!coming_.empty() && coming_.top().at <= std::min(turn, wake)) {
      const Event event = coming_.top();
      coming_.pop();
      now_ = event.at;
      happen(event);
    } else if (turn != Instant::max() && turn <= wake) {
      now_ = turn;
      take_turn(*next);
    } else if (wake != Instant::max()) {
      now_ = wake;
      tell(residency::Tick{});
    } else {
      return false;
    }
    return true;
  }

  void at(Instant when, Kind kind, std::uint32_t what) {
    coming_.push({when, ++events_, kind, what, kind == Kind::loaded ? models_[what].loads : 0});
  }

  void happen(const Event& event) {
    if (event.kind == Kind::arrival) {
      const Request& request = trace_.requests[event.what];
      if (!models_[request.model].ready) ++result_.loads->misses;
      made_.order->arrived(now_, event.what);
      tell(residency::Arrived{event.what, request.model, weight_of(request)});
      if (const auto promise = made_.chooser->promise(request.model, now_))
        promised_until_[event.what] = now_ + *promise;
    } else if (event.kind == Kind::quarter) {
      constexpr std::uint32_t week_days = 7, working_days = 5;
      const std::uint32_t day = event.what / residency::Quarter::in_a_day;
      tell(residency::QuarterIs{{event.what % residency::Quarter::in_a_day, day % week_days < working_days}});
    } else if (models_[event.what].loads == event.load) {
      models_[event.what].loading = false;
      models_[event.what].ready = models_[event.what].serves = true;
      result_.loads->stays.push_back({event.what, now_ - begun, Duration::max()});
      // Those it was loaded for start before anybody may send it away again.
      made_.order->serves(now_, event.what, places_);
      serve();
      tell(residency::EngineIs{event.what, 0, residency::EngineState::ready, 0, {}});
    }
  }

  void take_turn(Station& station) {
    station.turn = station.engine->turn(now_, *this);
    if ((memory_.beside == 0 && memory_.load_beside == 0) || station.turn.arrival_wakes) return;
    double stretch = 1;
    for (const Station& other : models_) {
      if (other.loading) stretch += memory_.load_beside;
      if (&other != &station && other.turn.at != Instant::max() && !other.turn.arrival_wakes) stretch += memory_.beside;
    }
    station.turn.at = now_ + std::chrono::duration_cast<Duration>((station.turn.at - now_) * stretch);
  }

  const Request& request(RequestId id) const override { return trace_.requests[id]; }
  std::optional<RequestId> next(Instant, EngineId model) override {
    const auto& granted = models_[model].granted;
    return granted.empty() ? std::nullopt : std::optional(granted.front());
  }
  void granted(Instant, RequestId, EngineId model) override { models_[model].granted.pop_front(); }
  void declined(Instant, RequestId, EngineId) override {}  // it is asked about again
  void progressed(Instant now, RequestId row, std::uint32_t) override {
    auto& served = result_.outcomes[row].served;
    if (!served) served = Served{now - begun - trace_.requests[row].at, {}};
  }
  void preempted(Instant, RequestId) override {}
  void ended(Instant now, RequestId row) override {
    result_.outcomes[row].served->finished = now - begun - trace_.requests[row].at;
    // As Mesh::end does it: who decides what is in memory is told first, and only what then still serves takes the
    // next.
    tell(residency::Ended{row});
    made_.order->ended(now, row);
    serve();
  }

  void tell(const residency::Event& event) {
    for (const residency::Action& action : made_.chooser->step(now_, event)) carry_out(action);
  }

  void carry_out(const residency::Action& action) {
    if (const auto* load = std::get_if<residency::Load>(&action)) {
      Station& station = models_[load->model];
      ++station.loads;
      station.loading = true;
      ++result_.loads->loads;
      result_.loads->seconds += seconds(station.shape.load);
      at(now_ + station.shape.load, Kind::loaded, load->model);
    } else if (const auto* drain = std::get_if<residency::Drain>(&action)) {
      models_[drain->model].serves = false;
      made_.order->serves(now_, drain->model, 0);
    } else if (const auto* serve = std::get_if<residency::Serve>(&action)) {
      models_[serve->model].serves = models_[serve->model].ready;
      made_.order->serves(now_, serve->model, places_);
    } else if (const auto* unload = std::get_if<residency::Unload>(&action)) {
      made_.order->serves(now_, unload->model, 0);
      if (models_[unload->model].ready) stay_of(unload->model).gone = now_ - begun;
      models_[unload->model].loading = models_[unload->model].ready = models_[unload->model].serves = false;
      ++models_[unload->model].loads;  // one under way comes to nothing
      tell(residency::EngineGone{unload->model});
    }
  }

  Stay& stay_of(std::uint32_t model) {
    const auto all = std::views::reverse(result_.loads->stays);
    return *std::ranges::find(all, model, &Stay::model);
  }

  void serve() {
    for (auto granted = made_.order->granted(); !granted.empty(); granted = made_.order->granted()) {
      for (const RequestId row : granted) {
        const Request& request = trace_.requests[row];
        Station& station = models_[request.model];
        if (!station.serves) {  // it was told to go by what was done before
          made_.order->returned(now_, row);
          continue;
        }
        station.granted.push_back(row);
        if (station.turn.arrival_wakes) station.turn.at = now_;
        weights_.left(trace_.members[request.member]);
        if (const auto promise = promised_until_.extract(row))
          result_.loads->past_promise = result_.loads->past_promise.value_or(0) + (now_ > promise.mapped() ? 1 : 0);
        tell(residency::Started{row});
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
  std::vector<Station> models_;
  const std::uint32_t places_ = places_of(*memory_.answers);
  std::priority_queue<Event, std::vector<Event>, std::greater<>> coming_;
  residency::MemberWeights weights_;
  std::unordered_map<RequestId, Instant> promised_until_;
  std::uint64_t events_ = 0;
  Instant now_ = begun;
  Result result_;
};

}  // namespace

std::vector<std::string_view> turn_policy_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, make] : policies) names.push_back(name);
  const auto ranks = rank_names();
  names.insert(names.end(), ranks.begin(), ranks.end());
  return names;
}

Expected<Result> play_turns(const Trace& trace, const World& world, std::string_view policy,
                            std::optional<std::uint64_t> seed) {
  const auto shapes = shapes_of(trace, *world.memory);
  if (!shapes) return std::unexpected(shapes.error());
  auto made = made_of(policy, trace, world, *shapes);
  if (!made) return std::unexpected(wrong_policy(policy, Plays::turns));
  return Play(trace, world, *shapes, std::move(*made), seed).run();
}

}  // namespace faelled::sim
