// A planner and engines that do what it says: each load takes a second per byte, each model answers one ticket at a
// time, in order. With a memory behind the device they can sleep.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "residency/planner.hpp"

namespace faelled::residency {

struct World {
  // `behind`: bytes of device 1, where those that sleep on device 0 leave their weights; 0: there is none.
  explicit World(std::uint64_t bytes, Settings settings = {}, std::uint64_t behind = 0) : planner(settings) {
    tell(DeviceIs{0, bytes});
    if (behind == 0) return;
    tell(DeviceIs{1, behind});
    tell(DeviceIs{0, bytes, DeviceKind::host, 1});
  }
  World(std::initializer_list<DeviceIs> devices, Settings settings = {}) : planner(settings) {
    for (const DeviceIs& device : devices) tell(device);
  }

  Planner planner;
  Instant now{std::chrono::hours(1)};
  Duration answer_takes = std::chrono::seconds(1);
  Duration ends_after{};  // an engine that is unloaded
  bool at_start = false;
  DeviceKind kind = DeviceKind::host;  // of what is added
  bool shrank = false;                 // a device has less than it had
  std::optional<ModelNumber> breaks;   // its engine ends as it begins

  Duration falls_asleep_in{}, wakes_in = std::chrono::milliseconds(500);
  std::uint64_t residue = 1;      // of those added from now on
  std::uint64_t asleep_read = 0;  // what an engine is seen to hold when it has fallen asleep; 0: nobody looks
  bool can_sleep = true;          // those added from now on

  void add(std::initializer_list<std::uint64_t> sizes) {
    for (const std::uint64_t bytes : sizes) {
      tell(ModelIs{models_, bytes, std::chrono::seconds(bytes), 1, false, at_start, can_sleep ? bytes : 0, residue,
                   kind});
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
      for (const auto& [model, at] : ready_at_) next = std::min(next, at);
      for (const auto& [model, at] : gone_at_) next = std::min(next, at);
      for (const auto& [model, at] : asleep_at_) next = std::min(next, at);
      for (const auto& [model, runs] : running_) next = std::min(next, runs.second);
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
    if (const auto* gone = std::get_if<EngineGone>(&event)) {
      serving_[gone->model] = asleep_[gone->model] = false;
      ready_at_.erase(gone->model);
      asleep_at_.erase(gone->model);
    }
    const auto actions = planner.step(now, event);
    for (const Action& action : std::vector(actions.begin(), actions.end())) {
      done_.push_back(action);
      carry_out(action);
    }
    check();
  }

  // Its engine ends by itself; what ran on it waits again.
  void kill(ModelNumber model) {
    const auto where = at(model).where;
    if (where == ModelState::Where::absent || where == ModelState::Where::coming) return;
    if (const auto runs = running_.find(model); runs != running_.end()) {
      const TicketNumber ticket = runs->second.first;
      running_.erase(runs);
      waiting_[model].push_front(ticket);
      tell(Returned{ticket});
    }
    gone_at_.erase(model);
    tell(EngineGone{model});
  }

  // What was decided since the last time.
  std::vector<Action> does() { return std::exchange(done_, {}); }
  ModelState at(ModelNumber model) const { return planner.model(model, now).value_or(ModelState{}); }
  std::size_t ended() const { return ended_.size(); }
  const std::map<TicketNumber, Instant>& endings() const { return ended_; }
  std::size_t loads() const { return loads_; }
  std::size_t wakes() const { return planner.counts().wakes; }

 private:
  void turn() {
    for (const auto& [model, at] : std::map(gone_at_))
      if (at <= now) {
        gone_at_.erase(model);
        tell(EngineGone{model});
      }
    for (const auto& [model, at] : std::map(ready_at_))
      if (at <= now) {
        ready_at_.erase(model);
        serving_[model] = true;
        tell(EngineIs{model, this->at(model).device, EngineState::ready, 0, {}});
      }
    for (const auto& [model, at] : std::map(asleep_at_))
      if (at <= now) {
        asleep_at_.erase(model);
        asleep_[model] = true;
        tell(EngineIs{model, 0, EngineState::asleep, asleep_read, {}});
      }
    for (const auto& [model, runs] : std::map(running_))
      if (runs.second <= now) {
        running_.erase(model);
        ended_[runs.first] = now;
        tell(Ended{runs.first});
      }
    if (planner.wake() <= now) tell(Tick{});
    serve_lines();
  }

  void serve_lines() {
    for (auto& [model, line] : waiting_) {
      if (line.empty() || !serving_[model] || running_.contains(model)) continue;
      EXPECT_EQ(at(model).where, ModelState::Where::ready) << "a ticket for one that sleeps or goes";
      running_[model] = {line.front(), now + answer_takes};
      const TicketNumber ticket = line.front();
      line.pop_front();
      tell(Started{ticket});
    }
  }

  void carry_out(const Action& action) {
    if (const auto* load = std::get_if<Load>(&action)) {
      ++loads_;
      EXPECT_FALSE(serving_[load->model] || asleep_[load->model]);
      EXPECT_EQ(planner.device(load->device)->kind, at(load->model).kind);
      if (load->model == breaks) return tell(EngineGone{load->model});
      ready_at_[load->model] = now + at(load->model).load;
    } else if (const auto* drain = std::get_if<Drain>(&action)) {
      serving_[drain->model] = false;
    } else if (const auto* serve = std::get_if<Serve>(&action)) {
      serving_[serve->model] = true;
    } else if (const auto* unload = std::get_if<Unload>(&action)) {
      EXPECT_FALSE(running_.contains(unload->model)) << "an answer was cut off";
      serving_[unload->model] = asleep_[unload->model] = false;
      ready_at_.erase(unload->model);
      asleep_at_.erase(unload->model);
      if (ends_after == Duration::zero()) return tell(EngineGone{unload->model});
      gone_at_[unload->model] = now + ends_after;
    } else if (const auto* sleep = std::get_if<Sleep>(&action)) {
      EXPECT_FALSE(running_.contains(sleep->model)) << "an answer was cut off";
      serving_[sleep->model] = false;
      asleep_at_[sleep->model] = now + falls_asleep_in;
    } else if (const auto* wake = std::get_if<Wake>(&action)) {
      EXPECT_TRUE(asleep_[wake->model]) << "only who sleeps is woken";
      asleep_[wake->model] = false;
      ready_at_[wake->model] = now + wakes_in;
    }
  }

  void check() const {
    for (DeviceNumber d = 0; d < planner.devices(); ++d) {
      const DeviceState device = *planner.device(d);
      std::uint64_t taken = 0;
      bool read_more = asleep_read > 0;
      for (ModelNumber m = 0; m < models_; ++m) {
        const ModelState state = at(m);
        read_more |= state.bytes_read > 0;
        if (state.backing == d && !state.asleep_soon) taken += state.backed;
        if (state.device == d) taken += takes(state);
      }
      EXPECT_EQ(device.taken, taken) << "of device " << d;
      if (!read_more && !shrank) EXPECT_LE(taken, device.bytes) << "of device " << d;
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
  std::map<ModelNumber, std::pair<TicketNumber, Instant>> running_;
  std::map<ModelNumber, Instant> ready_at_;
  std::map<ModelNumber, Instant> gone_at_;
  std::map<ModelNumber, Instant> asleep_at_;
  std::map<ModelNumber, bool> asleep_;
  std::map<ModelNumber, bool> serving_;
  std::map<TicketNumber, Instant> ended_;
  std::vector<Action> done_;
};

}  // namespace faelled::residency
