#include "sim/simulation.hpp"

#include <algorithm>
#include <queue>

#include "base/check.hpp"
#include "sim/engine.hpp"
#include "sim/memory.hpp"
#include "sim/turns.hpp"
#include "sim/world_policies.hpp"

namespace faelled::sim {
namespace {

class Simulation final : private Desk {
 public:
  Simulation(const Trace& trace, const World& world, Policy& policy, std::optional<std::uint64_t> seed);
  Result run() &&;

 private:
  enum class State : std::uint8_t { to_come, waiting, running, over };
  struct Station {
    std::unique_ptr<Engine> engine;
    Turn turn;
    Instant turned{};
  };
  struct Patience {
    Instant until;
    RequestId id;
    bool operator>(const Patience& other) const { return std::tie(until, id) > std::tie(other.until, other.id); }
  };

  const Request& request(RequestId id) const override { return trace_.requests[id]; }
  std::optional<RequestId> next(Instant now, EngineId engine) override;
  void granted(Instant now, RequestId id, EngineId engine) override;
  void declined(Instant now, RequestId id, EngineId engine) override { policy_.declined(now, id, engine); }
  void progressed(Instant now, RequestId id, std::uint32_t output_tokens) override;
  void preempted(Instant now, RequestId id) override { policy_.preempted(now, id); }
  void ended(Instant now, RequestId id) override;

  void arrive(Instant now, RequestId id);
  void lose_patience(Instant now);
  void take_turns(Instant now);
  static Instant wakes_at(const Station& station, Instant now);

  const Trace& trace_;
  const World& world_;
  Policy& policy_;
  Setting setting_;
  std::vector<std::optional<Duration>> wait_max_;  // by member
  std::vector<Station> stations_;
  std::priority_queue<Patience, std::vector<Patience>, std::greater<>> patience_;
  std::vector<State> states_;
  std::size_t waiting_ = 0;
  Result result_;
};

Simulation::Simulation(const Trace& trace, const World& world, Policy& policy, std::optional<std::uint64_t> seed)
    : trace_(trace),
      world_(world),
      policy_(policy),
      setting_(setting_of(trace, world)),
      states_(trace.requests.size()) {
  for (const std::string& id : trace.members) wait_max_.push_back(member_of(world, id).wait_max);
  for (EngineId id = 0; id < world.engines.size(); ++id) {
    const StepLength length(seed ? world.jitter : 0, seed.value_or(0) * world.engines.size() + id);
    stations_.push_back({make_engine(id, world.engines[id], length), {}, {}});
    stations_.back().turn.at = Instant{};
  }
  result_.members = trace.members;
  for (const Request& request : trace.requests)
    result_.outcomes.push_back({request.at, request.member, request.input_tokens, request.output_tokens, std::nullopt});
}

std::optional<RequestId> Simulation::next(Instant now, EngineId engine) {
  if (waiting_ == 0) return std::nullopt;
  const auto id = policy_.next(now, engine);
  FAELLED_CHECK(!id || (*id < states_.size() && states_[*id] == State::waiting), "a policy names one that waits");
  FAELLED_CHECK(!id || setting_.serves[engine][request(*id).model], "a policy names one that the engine serves");
  return id;
}

void Simulation::granted(Instant now, RequestId id, EngineId engine) {
  states_[id] = State::running;
  --waiting_;
  policy_.granted(now, id, engine);
}

void Simulation::progressed(Instant now, RequestId id, std::uint32_t output_tokens) {
  auto& served = result_.outcomes[id].served;
  if (!served) served = Served{now - Instant{} - request(id).at, {}};
  policy_.progressed(now, id, output_tokens);
}

void Simulation::ended(Instant now, RequestId id) {
  states_[id] = State::over;
  result_.outcomes[id].served->finished = now - Instant{} - request(id).at;
  policy_.ended(now, id);
}

Instant Simulation::wakes_at(const Station& station, Instant now) {
  const Duration every = *station.turn.arrival_wakes;
  if (every <= Duration{}) return now;
  const Duration passed = now - station.turned;
  return station.turned + every * std::max<std::int64_t>(1, (passed.count() + every.count() - 1) / every.count());
}

void Simulation::arrive(Instant now, RequestId id) {
  const Request& arrival = request(id);
  bool fits = false;
  for (EngineId engine = 0; engine < stations_.size(); ++engine)
    fits |= setting_.serves[engine][arrival.model] && can_ever_fit(world_.engines[engine], arrival);
  if (!fits) {
    states_[id] = State::over;
    return;
  }
  states_[id] = State::waiting;
  ++waiting_;
  if (const auto wait_max = wait_max_[arrival.member]) patience_.push({now + *wait_max, id});
  policy_.arrived(now, id, arrival);
  for (Station& station : stations_)
    if (station.turn.arrival_wakes) station.turn.at = std::min(station.turn.at, wakes_at(station, now));
}

void Simulation::lose_patience(Instant now) {
  while (!patience_.empty() && patience_.top().until <= now) {
    const RequestId id = patience_.top().id;
    patience_.pop();
    if (states_[id] != State::waiting) continue;
    states_[id] = State::over;
    --waiting_;
    policy_.gave_up(now, id);
  }
}

void Simulation::take_turns(Instant now) {
  for (Station& station : stations_) {
    if (station.turn.at > now) continue;
    station.turn = station.engine->turn(now, *this);
    station.turned = now;
    // Somebody waits whom the policy or the room held back: the engine looks again.
    if (waiting_ > 0 && station.turn.arrival_wakes && *station.turn.arrival_wakes > Duration{})
      station.turn.at = std::min(station.turn.at, now + *station.turn.arrival_wakes);
  }
}

Result Simulation::run() && {
  RequestId to_come = 0;
  while (true) {
    Instant now = Instant::max();
    if (to_come < trace_.requests.size()) now = Instant{trace_.requests[to_come].at};
    if (!patience_.empty()) now = std::min(now, patience_.top().until);
    for (const Station& station : stations_) now = std::min(now, station.turn.at);
    if (now == Instant::max()) break;
    for (; to_come < trace_.requests.size() && Instant{trace_.requests[to_come].at} <= now; ++to_come)
      arrive(now, to_come);
    lose_patience(now);
    take_turns(now);
  }
  FAELLED_CHECK(std::ranges::all_of(states_, [](State state) { return state == State::over; }),
                "an engine goes on until nobody waits");
  return std::move(result_);
}

}  // namespace

const WorldMember& member_of(const World& world, std::string_view id) {
  const auto at = std::ranges::find(world.members, id, &WorldMember::id);
  return at == world.members.end() ? world.others : *at;
}

Setting setting_of(const Trace& trace, const World& world) {
  Setting setting;
  setting.work = world.work;
  for (const std::string& id : trace.members) setting.shares.push_back(member_of(world, id).share);
  for (const EngineModel& engine : world.engines) {
    std::vector<bool>& serves = setting.serves.emplace_back();
    for (const std::string& model : trace.models)
      serves.push_back(engine.models.empty() || std::ranges::find(engine.models, model) != engine.models.end());
  }
  return setting;
}

Result run(const Trace& trace, const World& world, Policy& policy, std::optional<std::uint64_t> seed) {
  Result result = Simulation(trace, world, policy, seed).run();
  result.floor_violations = policy.floor_violations();
  return result;
}

Expected<Result> simulate(const Trace& trace, const World& world, std::string_view policy,
                          std::optional<std::uint64_t> seed) {
  if (plays(world) == Plays::turns) return play_turns(trace, world, policy, seed);
  if (plays(world) == Plays::memory) return play_memory(trace, *world.memory, policy);
  const Setting setting = setting_of(trace, world);
  for (std::size_t model = 0; model < trace.models.size(); ++model)
    if (std::ranges::none_of(setting.serves, [&](const std::vector<bool>& serves) { return serves[model]; }))
      return fail(Errc::invalid, "no engine of the world serves model '" + trace.models[model] + "' of the trace",
                  "name it in an engine's models, or leave models out there: then it serves all");
  auto made = make_policy(policy, setting);
  if (!made) return std::unexpected(std::move(made).error());
  return run(trace, world, **made, seed);
}

}  // namespace faelled::sim
