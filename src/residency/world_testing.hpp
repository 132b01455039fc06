// A planner and engines that do what it says: each load takes a second per byte, each model answers one ticket at a
// time, in order.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "residency/planner.hpp"

namespace faelled::residency {

struct World {
  explicit World(std::uint64_t bytes, Settings settings = {}) : planner(settings) { tell(DeviceIs{0, bytes}); }
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

  void add(std::initializer_list<std::uint64_t> sizes) {
    for (const std::uint64_t bytes : sizes) {
      tell(ModelIs{models_++, bytes, std::chrono::seconds(bytes), 1, false, at_start, kind});
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
      for (const auto& [model, runs] : running_) next = std::min(next, runs.second);
      if (next > end) break;
      now = std::max(now, next);
      turn();
    }
    now = end;
  }

  void tell(const Event& event) {
    if (const auto* ended = std::get_if<Ended>(&event))
      for (auto& [model, line] : waiting_) std::erase(line, ended->ticket);
    if (const auto* gone = std::get_if<EngineGone>(&event)) {
      serving_[gone->model] = false;
      ready_at_.erase(gone->model);
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
      running_[model] = {line.front(), now + answer_takes};
      const TicketNumber ticket = line.front();
      line.pop_front();
      tell(Started{ticket});
    }
  }

  void carry_out(const Action& action) {
    if (const auto* load = std::get_if<Load>(&action)) {
      ++loads_;
      EXPECT_FALSE(serving_[load->model]);
      EXPECT_EQ(planner.device(load->device)->kind, at(load->model).kind);
      if (load->model == breaks) return tell(EngineGone{load->model});
      ready_at_[load->model] = now + at(load->model).load;
    } else if (const auto* drain = std::get_if<Drain>(&action)) {
      serving_[drain->model] = false;
    } else if (const auto* serve = std::get_if<Serve>(&action)) {
      serving_[serve->model] = true;
    } else if (const auto* unload = std::get_if<Unload>(&action)) {
      EXPECT_FALSE(running_.contains(unload->model)) << "an answer was cut off";
      serving_[unload->model] = false;
      ready_at_.erase(unload->model);
      if (ends_after == Duration::zero()) return tell(EngineGone{unload->model});
      gone_at_[unload->model] = now + ends_after;
    }
  }

  void check() const {
    std::vector<std::uint64_t> taken(planner.devices());
    bool read_more = false;
    for (ModelNumber m = 0; m < models_; ++m) {
      const ModelState state = at(m);
      read_more |= state.bytes_read > 0;
      const bool there = state.where != ModelState::Where::absent && state.where != ModelState::Where::coming;
      if (there) taken.at(state.device) += state.bytes;
    }
    for (DeviceNumber d = 0; d < taken.size(); ++d) {
      const auto device = planner.device(d);
      EXPECT_EQ(device->taken, taken[d]);
      if (!read_more && !shrank) EXPECT_LE(taken[d], device->bytes);
    }
  }

  ModelNumber models_ = 0;
  TicketNumber tickets_ = 0;
  std::size_t loads_ = 0;
  std::map<ModelNumber, std::deque<TicketNumber>> waiting_;
  std::map<ModelNumber, std::pair<TicketNumber, Instant>> running_;
  std::map<ModelNumber, Instant> ready_at_;
  std::map<ModelNumber, Instant> gone_at_;
  std::map<ModelNumber, bool> serving_;
  std::map<TicketNumber, Instant> ended_;
  std::vector<Action> done_;
};

}  // namespace faelled::residency
