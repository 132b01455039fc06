// A planner and engines that do what it says: each load takes a second per byte, each engine answers one ticket at a
// time, in order. With a memory behind the device they can sleep.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/random.hpp"
#include "residency/planner.hpp"

namespace faelled::residency {

// A model has at most one on a device.
using EngineAt = std::pair<ModelNumber, DeviceNumber>;

struct World {
  // `behind`: bytes of device 1, where those that sleep on device 0 leave their weights; 0: there is none.
  explicit World(std::uint64_t bytes, Settings settings = {}, std::uint64_t behind = 0) : planner(settings) {
    tell(DeviceIs{0, bytes});
    if (behind == 0) return;
    tell(DeviceIs{1, behind});
    tell(DeviceIs{0, bytes, DeviceKind::host, 1});
  }
  World(std::initializer_list<DeviceIs> devices, Settings settings = {}) : World(std::vector(devices), settings) {}
  World(const std::vector<DeviceIs>& devices, Settings settings) : planner(settings) {
    for (const DeviceIs& device : devices) tell(device);
  }

  Planner planner;
  Instant now{std::chrono::hours(1)};
  Duration answer_takes = std::chrono::seconds(1);
  Duration ends_after{};  // an engine that is unloaded
  bool at_start = false;
  DeviceKind kind = DeviceKind::host;  // of what is added
  bool spreads = false;                // the same
  bool shrank = false;                 // a device has less than it had
  std::optional<ModelNumber> breaks;   // its engine ends as it begins
  std::optional<ModelNumber> stuck;    // its engine loads for ever
  bool copies_break = false;           // further engines do
  std::uint32_t copies = 1;            // of those added from now on

  Duration falls_asleep_in{}, wakes_in = std::chrono::milliseconds(500);
  Duration reads_in = std::chrono::seconds(2);  // one that is woken from level 2
  std::uint32_t vain_every = 0;                 // so many wakings from level 2, one is begun anew instead; 0: none
  std::uint64_t residue = 1;                    // of those added from now on
  std::uint64_t asleep_read = 0;  // what an engine is seen to hold when it has fallen asleep; 0: nobody looks
  bool can_sleep = true;          // those added from now on
  bool forgets = false;           // the same, at level 2

  void add(std::initializer_list<std::uint64_t> sizes) {
    for (const std::uint64_t bytes : sizes) {
      tell(ModelIs{models_, bytes, std::chrono::seconds(bytes), 1, false, at_start, can_sleep ? bytes : 0, residue,
                   kind, copies, forgets, spreads});
    }
  }

  TicketNumber ask(ModelNumber model, double weight = 1) {
    const TicketNumber ticket = ++tickets_;
    waiting_[model].push_back(ticket);
    tell(Arrived{ticket, model, weight});
    serve_lines();
    return ticket;
  }

  // Asks, and waits for the answer.
  void serve(ModelNumber model) {
    const TicketNumber ticket = ask(model);
    while (!ended_.contains(ticket)) pass(std::chrono::seconds(1));
  }

  void pass(Duration by) {
    const Instant end = now + by;
    while (true) {
      Instant next = planner.wake();
      for (const auto* due : {&ready_at_, &gone_at_, &asleep_at_, &again_at_})
        for (const auto& [engine, at] : *due) next = std::min(next, at);
      for (const auto& [engine, runs] : running_) next = std::min(next, runs.second);
      if (next > end) break;
      now = std::max(now, next);
      turn();
    }
    now = end;
  }

  void tell(const Event& event) {
    if (const auto* is = std::get_if<ModelIs>(&event)) models_ = std::max(models_, is->model + 1);
    if (const auto* ended = std::get_if<Ended>(&event))
      for (auto& [model, line] : waiting_) std::erase(line, ended->ticket);
    if (const auto* order = std::get_if<Order>(&event); order != nullptr && order->act == Act::renew)
      vain_[order->model] = false;
    if (const auto* gone = std::get_if<EngineGone>(&event)) {
      const EngineAt engine{gone->model, gone->device == no_device ? at(gone->model).device : gone->device};
      serving_[engine] = asleep_[engine] = false;
      ready_at_.erase(engine);
      asleep_at_.erase(engine);
      again_at_.erase(engine);
      const auto was = at(gone->model);
      using Where = ModelState::Where;
      vain_[gone->model] |= was.level == 2 && (was.where == Where::falling_asleep || was.where == Where::waking);
    }
    const auto actions = planner.step(now, event);
    for (const Action& action : std::vector(actions.begin(), actions.end())) {
      done_.push_back(action);
      carry_out(action);
    }
    check();
  }

  // One that was stuck.
  void become_ready(ModelNumber model) {
    const EngineAt engine{model, at(model).device};
    serving_[engine] = true;
    tell(EngineIs{model, engine.second, EngineState::ready, 0, {}});
    serve_lines();
  }

  // Its first engine ends by itself; what ran on it waits again.
  void kill(ModelNumber model) {
    const auto where = at(model).where;
    if (where != ModelState::Where::absent && where != ModelState::Where::coming) kill(model, at(model).device);
  }
  void kill(ModelNumber model, DeviceNumber device) {
    const EngineAt engine{model, device};
    give_back(engine);
    gone_at_.erase(engine);
    tell(EngineGone{model, device});
  }
  // Its first engine cannot go on, where it serves or is to; it is tried anew after a while by itself.
  void fail(ModelNumber model) {
    using Where = ModelState::Where;
    const EngineAt engine{model, at(model).device};
    const auto where = at(model).where;
    if (where != Where::loading && where != Where::ready && where != Where::waking) return;
    give_back(engine);
    serving_[engine] = false;
    ready_at_.erase(engine);
    again_at_[engine] = now + std::chrono::seconds(20);
    tell(EngineIs{model, engine.second, EngineState::failed, 0, {}});
  }
  // It leaves the catalogue: who waits is sent away.
  std::size_t remove(ModelNumber model) {
    const auto line = std::exchange(waiting_[model], {});
    tell(ModelGone{model});
    for (const TicketNumber ticket : line) tell(Ended{ticket});
    return line.size();
  }

  // One of the things that every history of chance does to a model: `what` below 4.
  void disturb(ModelNumber model, std::uint64_t what, SeededRandom& random) {
    if (what == 0) tell(Order{model, Act::load});
    if (what == 1) tell(Order{model, Act::unload});
    if (what == 2) kill(model);
    if (what == 3) tell(Order{model, random.below(2) == 0 ? Act::pin : Act::unpin});
  }

  // What was decided since the last time.
  std::vector<Action> does() { return std::exchange(done_, {}); }
  ModelState at(ModelNumber model) const { return planner.model(model, now).value_or(ModelState{}); }
  void ask_by_chance(ModelNumber model, SeededRandom& random) {
    ask(model, 0.25 + static_cast<double>(random.below(8)) / 4);
  }
  // A day later, with nothing pinned, everybody has been answered.
  void answer_all(ModelNumber models, std::size_t asked) {
    for (ModelNumber m = 0; m < models; ++m) tell(Order{m, Act::unpin});
    pass(std::chrono::hours(24));
    EXPECT_EQ(ended(), asked);
  }

  std::size_t ended() const { return ended_.size(); }
  const std::map<TicketNumber, Instant>& endings() const { return ended_; }
  std::size_t loads() const { return loads_; }
  std::size_t wakes() const { return planner.counts().wakes; }
  std::size_t ended_on(DeviceNumber device) const { return ended_on_.contains(device) ? ended_on_.at(device) : 0; }

 private:
  // What ran on it waits again.
  void give_back(EngineAt engine) {
    const auto runs = running_.find(engine);
    if (runs == running_.end()) return;
    const TicketNumber ticket = runs->second.first;
    running_.erase(runs);
    serving_[engine] = false;
    waiting_[engine.first].push_front(ticket);
    tell(Returned{ticket});
  }
  void turn() {
    for (const auto& [engine, at] : std::map(gone_at_))
      if (at <= now) {
        gone_at_.erase(engine);
        tell(EngineGone{engine.first, engine.second});
      }
    for (const auto& [engine, at] : std::map(ready_at_))
      if (at <= now) {
        ready_at_.erase(engine);
        serving_[engine] = true;
        tell(EngineIs{engine.first, engine.second, EngineState::ready, 0, {}});
      }
    for (const auto& [engine, at] : std::map(again_at_))
      if (at <= now) {
        again_at_.erase(engine);
        ready_at_[engine] = now + this->at(engine.first).load;
        tell(EngineIs{engine.first, engine.second, EngineState::loading, 0, {}});
      }
    for (const auto& [engine, at] : std::map(asleep_at_))
      if (at <= now) {
        asleep_at_.erase(engine);
        asleep_[engine] = true;
        tell(EngineIs{engine.first, engine.second, EngineState::asleep, asleep_read, {}});
      }
    for (const auto& [engine, runs] : std::map(running_))
      if (runs.second <= now) {
        running_.erase(engine);
        ended_[runs.first] = now;
        ++ended_on_[engine.second];
        tell(Ended{runs.first});
      }
    if (planner.wake() <= now) tell(Tick{});
    serve_lines();
  }

  void serve_lines() {
    for (const auto& [engine, serves] : std::map(serving_)) {
      auto& line = waiting_[engine.first];
      if (line.empty() || !serving_[engine] || running_.contains(engine)) continue;
      EXPECT_EQ(planner.where(engine.first, engine.second), ModelState::Where::ready)
          << "a ticket for one that sleeps or goes";
      running_[engine] = {line.front(), now + answer_takes};
      const TicketNumber ticket = line.front();
      line.pop_front();
      tell(Started{ticket, engine.second});
    }
  }

  static bool suits(const ModelState& model, const DeviceState& device) {
    return model.kind == device.kind && (device.cards == 1 || model.spreads);
  }
  void carry_out(const Action& action) {
    if (const auto* load = std::get_if<Load>(&action)) {
      const EngineAt engine{load->model, load->device};
      ++loads_;
      EXPECT_FALSE(serving_[engine] || asleep_[engine] || ready_at_.contains(engine) || gone_at_.contains(engine))
          << "two of one model on one device";
      EXPECT_TRUE(suits(at(load->model), *planner.device(load->device)));
      if (load->model == breaks || (copies_break && is_further(engine)))
        return tell(EngineGone{load->model, load->device});
      if (load->model != stuck) ready_at_[engine] = now + at(load->model).load;
    } else if (const auto* drain = std::get_if<Drain>(&action)) {
      serving_[{drain->model, drain->device}] = false;
    } else if (const auto* serve = std::get_if<Serve>(&action)) {
      serving_[{serve->model, serve->device}] = true;
    } else if (const auto* unload = std::get_if<Unload>(&action)) {
      const EngineAt engine{unload->model, unload->device};
      EXPECT_FALSE(running_.contains(engine)) << "an answer was cut off";
      serving_[engine] = asleep_[engine] = false;
      ready_at_.erase(engine);
      asleep_at_.erase(engine);
      again_at_.erase(engine);
      if (ends_after == Duration::zero()) return tell(EngineGone{unload->model, unload->device});
      gone_at_[engine] = now + ends_after;
    } else if (const auto* sleep = std::get_if<Sleep>(&action)) {
      const EngineAt engine{sleep->model, sleep->device};
      EXPECT_FALSE(running_.contains(engine)) << "an answer was cut off";
      serving_[engine] = false;
      asleep_at_[engine] = now + falls_asleep_in;
      level_[engine] = sleep->level;
      EXPECT_FALSE(sleep->level == 2 && vain_[sleep->model]) << "it did not come back from there";
    } else if (const auto* wake = std::get_if<Wake>(&action)) {
      const EngineAt engine{wake->model, wake->device};
      EXPECT_TRUE(asleep_[engine]) << "only who sleeps is woken";
      asleep_[engine] = false;
      const bool reads = level_[engine] == 2;
      ready_at_[engine] = now + (reads ? reads_in : wakes_in);
      if (!reads || vain_every == 0 || ++reads_ % vain_every != 0) return;
      vain_[wake->model] = true;
      ready_at_[engine] = now + at(wake->model).load;
      tell(EngineIs{wake->model, wake->device, EngineState::loading, 0, {}});
    }
  }

  bool is_further(EngineAt engine) const {
    for (const EngineFacts& copy : planner.copies(engine.first))
      if (copy.device == engine.second) return true;
    return false;
  }
  void check() const {
    std::vector<ModelState> states;
    std::vector<std::pair<ModelNumber, EngineFacts>> further;
    for (ModelNumber m = 0; m < models_; ++m) {
      states.push_back(at(m));
      for (const EngineFacts& copy : planner.copies(m)) further.emplace_back(m, copy);
    }
    for (DeviceNumber d = 0; d < planner.devices(); ++d) {
      const DeviceState device = *planner.device(d);
      std::uint64_t taken = 0;
      bool read_more = asleep_read > 0;
      for (const ModelState& state : states) {
        read_more |= state.bytes_read > 0;
        if (state.backing == d && !state.asleep_soon) taken += state.backed;
        EXPECT_FALSE(state.level == 2 && state.backed > 0) << "at level 2 nobody has the weights";
        if (state.device == d) taken += takes(state);
      }
      for (const auto& [m, copy] : further)
        if (copy.device == d) taken += copy.taken;
      EXPECT_EQ(device.taken, taken) << "of device " << d;
      if (!read_more && !shrank) EXPECT_LE(taken, device.bytes) << "of device " << d;
    }
    if (!further.empty()) check_copies(states, further);
  }
  // Nobody who is waited for is kept out by a further engine: where one lies that does not go, no absent model waits
  // that would have room without it, unless others are before it there or it has just failed.
  void check_copies(const std::vector<ModelState>& states,
                    const std::vector<std::pair<ModelNumber, EngineFacts>>& further) const {
    using Where = ModelState::Where;
    std::vector<std::uint64_t> spare(planner.devices());
    std::vector<bool> switches(planner.devices());  // one at a time
    for (const auto& [m, copy] : further) {
      EXPECT_FALSE(states[m].device == copy.device && takes(states[m]) > 0) << "two of one model on one device";
      if (copy.where == Where::ready || copy.where == Where::loading) spare[copy.device] += copy.taken;
    }
    for (const ModelState& state : states)
      if (state.where == Where::loading || state.where == Where::waking) switches[state.device] = true;
    for (ModelNumber m = 0; m < models_; ++m) {
      const ModelState& state = states[m];
      if (state.where != Where::absent || state.waiting == 0 || !state.fits || state.retries) continue;
      for (DeviceNumber d = 0; d < planner.devices(); ++d) {
        const DeviceState device = *planner.device(d);
        if (spare[d] == 0 || switches[d] || !suits(state, device) || device.reserved > 0) continue;
        if (planner.where(m, d) != Where::absent) continue;  // an engine of its own still goes
        EXPECT_LT(device.bytes + spare[d], device.taken + state.bytes) << "of model " << m << " on device " << d;
      }
    }
  }
  // By where it is and not by the planner's own sum.
  std::uint64_t takes(const ModelState& state) const {
    using Where = ModelState::Where;
    if (state.where == Where::absent || state.where == Where::coming) return 0;
    if (state.where != Where::asleep && state.where != Where::unloading) return state.bytes;
    return state.taken;
  }

  ModelNumber models_ = 0;
  TicketNumber tickets_ = 0;
  std::size_t loads_ = 0;
  std::map<ModelNumber, std::deque<TicketNumber>> waiting_;
  std::map<EngineAt, std::pair<TicketNumber, Instant>> running_;
  std::map<EngineAt, Instant> ready_at_;
  std::map<EngineAt, Instant> gone_at_;
  std::map<EngineAt, Instant> asleep_at_;
  std::map<EngineAt, Instant> again_at_;  // one that failed
  std::map<EngineAt, bool> asleep_;
  std::map<EngineAt, std::uint8_t> level_;
  std::map<ModelNumber, bool> vain_;  // it did not get to level 2, or not back
  std::uint32_t reads_ = 0;
  std::map<EngineAt, bool> serving_;
  std::map<TicketNumber, Instant> ended_;
  std::map<DeviceNumber, std::size_t> ended_on_;
  std::vector<Action> done_;
};

// Of a random history: how the planner is set, and how fast its world is.
inline Settings random_settings(SeededRandom& random) {
  Settings settings;
  settings.turn_least = std::chrono::seconds(1 + random.below(60));
  if (random.below(3) == 0) settings.unused_after = std::chrono::seconds(1 + random.below(100));
  return settings;
}
inline void temper(World& world, SeededRandom& random) {
  using std::chrono::milliseconds;
  world.at_start = random.below(2) == 0;
  world.ends_after = milliseconds(random.below(3000));
  world.falls_asleep_in = milliseconds(random.below(3000));
  world.wakes_in = milliseconds(1 + random.below(3000));
  world.reads_in = milliseconds(1 + random.below(6000));
  world.answer_takes = milliseconds(100 + random.below(20'000));
}

}  // namespace faelled::residency
