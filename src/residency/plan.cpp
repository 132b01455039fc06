// Planner's choices: who is loaded where, and who goes for it.
#include <utility>

#include "base/seconds.hpp"
#include "residency/pack.hpp"
#include "residency/planner.hpp"

namespace faelled::residency {
namespace {

// Of the most wanted of each kind of memory: those behind them wait for room or for their turn.
constexpr std::size_t evictors_max = 16;

}  // namespace

void Planner::meet(Instant at) {
  if (at > now_) wake_ = std::min(wake_, at);
}

bool Planner::wanted(ModelNumber model) const {
  const Entry& entry = entries_[model];
  if (!entry.known || (entry.line.waiting() == 0 && !urgent(entry))) return false;
  return entry.where == Where::absent || (entry.where == Where::asleep && !comes(model));
}

// One that sleeps is woken where it is.
bool Planner::may_be_on(ModelNumber model, DeviceNumber device) const {
  if (!suits(model, devices_[device]) || copy_on(model, device) != nullptr) return false;
  return entries_[model].where != Where::asleep || entries_[model].device == device;
}

// Nothing would be missed but the load of the next time. One that failed serves nobody anyway.
bool Planner::unused(const Entry& entry) {
  if (entry.where == Where::failed) return true;
  return (entry.where == Where::ready || entry.where == Where::loading) && entry.line.empty() && !urgent(entry);
}

// Why it is wanted.
Cause Planner::cause_of(const Entry& entry) {
  if (entry.line.waiting() > 0) return Cause::asked;
  return entry.pinned ? Cause::pinned : Cause::ordered;
}

// Of two that are waited for.
bool Planner::is_before(ModelNumber a, ModelNumber b) const {
  const Entry &one = entries_[a], &other = entries_[b];
  if (urgent(one) != urgent(other)) return urgent(one);
  const double waited_s = one.line.waited_s(now_), other_s = other.line.waited_s(now_);
  return waited_s != other_s ? waited_s > other_s : a < b;
}

void Planner::list(ModelNumber model) {
  Entry& entry = entries_[model];
  if (entry.listed || !wanted(model)) return;
  entry.listed = true;
  wanted_.push_back(model);
}

void Planner::plan() {
  wake_ = Instant::max();
  for (DeviceNumber d = 0; d < devices_.size(); ++d) {
    for (const ModelNumber m : devices_[d].models) {
      const Entry& entry = entries_[m];
      if (entry.where == Where::draining && entry.running == 0) settle(m);
    }
    go_on(d);
    plan_overfull(d);
  }
  plan_wanted();
  plan_at_start();
  if (!to_warm_.empty()) plan_warm();
  if (!crowds_.empty()) plan_copies();
  plan_unused();
}

// Into free memory alone: to make room for what may be asked for never pays (docs/decisions/0023).
void Planner::plan_warm() {
  const std::vector<bool> open(devices_.size());
  std::uint64_t room = 0;  // they are looked at in every step, and where memory is full that is soon done
  for (const Device& device : devices_) room = std::max(room, device.room());
  std::erase_if(to_warm_, [&](const auto& entry) {
    const auto& [at, model] = entry;
    if (at > now_) {
      meet(at);
      return false;
    }
    if (!known(model)) return true;
    if (entries_[model].where != Where::absent && entries_[model].where != Where::asleep) return true;
    if (entries_[model].blocked_until > now_ || needs(model) > room || !place_in_room(model, Cause::habit, open))
      return false;
    habits_[model].warmed(quarter_->next());
    return true;
  });
}

// The switch under way: loads once there is room, and is called off when nobody waits any more.
void Planner::go_on(DeviceNumber number) {
  Device& device = devices_[number];
  if (device.reserved == 0) return until_overdue(number);
  const ModelNumber coming = device.coming;
  Entry& entry = entries_[coming];
  const bool asked = entry.line.waiting() > 0 || urgent(entry) || (device.further && scales(coming));
  if (!entry.known || !asked) return call_off(number);
  if (device.further && entry.where != Where::ready) return call_off(number);
  if (device.taken + needs(coming) > device.bytes) {
    if (makes_room(number)) return;
    // Whoever went gave back less than was thought: others have to go too.
    call_off(number);
    return list(coming);
  }
  device.reserved = 0;
  if (std::exchange(device.further, false)) {
    device.coming = no_model;
    return load_copy(coming, number);
  }
  wake_or_load(coming, number, entry.where == Where::asleep ? cause_of(entry) : entry.cause);
}

// One that is overdue no longer keeps others from a switch of their own.
void Planner::until_overdue(DeviceNumber number) {
  Device& device = devices_[number];
  if (device.coming == no_model || entries_[device.coming].where != Where::loading) return;
  meet(overdue_at(device.coming));
  if (now_ >= overdue_at(device.coming)) device.coming = no_model;
}

// Somebody on it is about to give bytes back.
bool Planner::makes_room(DeviceNumber number) const {
  const Device& device = devices_[number];
  const auto goes = [](const Engine& engine) {
    return engine.where == Where::draining || engine.where == Where::unloading || engine.where == Where::falling_asleep;
  };
  const auto model_goes = [&](ModelNumber m) { return goes(entries_[m]); };
  return std::ranges::any_of(device.models, model_goes) || std::ranges::any_of(device.sleepers, model_goes) ||
         std::ranges::any_of(copies_, [&](const Copy& copy) { return copy.device == number && goes(copy); });
}

// One that drains takes questions again.
void Planner::recall(ModelNumber model, Cause cause) {
  stay_up(model);
  enter(entries_[model], Where::ready, cause);
  actions_.emplace_back(Serve{model, entries_[model].device});
}

void Planner::call_off(DeviceNumber number) {
  Device& device = devices_[number];
  const ModelNumber coming = std::exchange(device.coming, no_model);
  device.reserved = 0;
  device.further = false;
  if (entries_[coming].where == Where::coming) enter(entries_[coming], Where::absent, Cause::none);
  for (const ModelNumber m : device.models) {
    Entry& going = entries_[m];
    if (going.where != Where::draining || going.other != coming) continue;
    going.ordered = false;
    recall(m, Cause::recalled);
  }
  for (Copy& copy : copies_) {
    if (copy.device != number || copy.where != Where::draining || copy.other != coming) continue;
    if (entries_[copy.model].where != Where::ready) continue;
    enter(copy, Where::ready, Cause::busy);
    actions_.emplace_back(Serve{copy.model, number});
  }
}

// Somebody took more than they said: the least worth of the unused go until it fits again.
void Planner::plan_overfull(DeviceNumber number) {
  Device& device = devices_[number];
  if (device.taken <= device.bytes) return;
  std::uint64_t going = 0;
  for (const ModelNumber m : device.models) going += frees(m);
  for (const ModelNumber m : device.sleepers) going += entries_[m].where == Where::unloading ? entries_[m].backed : 0;
  for (const Copy& copy : copies_)
    going +=
        copy.device == number && (copy.where == Where::draining || copy.where == Where::unloading) ? copy.taken : 0;
  if (device.taken - going <= device.bytes) return;
  auto all = leavers(number, no_model, Reach::unused, true);
  std::ranges::sort(all);
  for (const Leaver& one : all) {
    if (device.taken - going <= device.bytes) return;
    going += one.frees;
    leave(one.model, number, Cause::makes_room, no_model, true);
  }
}

void Planner::plan_wanted() {
  std::erase_if(wanted_, [this](ModelNumber m) {
    entries_[m].listed = wanted(m);
    return !entries_[m].listed;
  });
  if (wanted_.empty()) return;
  std::vector<ModelNumber> all;
  for (const ModelNumber m : wanted_) {
    const Entry& entry = entries_[m];
    if (entry.blocked_until > now_) {
      meet(entry.blocked_until);
    } else if (fits(m)) {
      all.push_back(m);
    }
  }
  for (DeviceNumber d = 0; d < devices_.size(); ++d)
    if (devices_[d].further &&
        std::ranges::any_of(all, [&](ModelNumber m) { return may_be_on(m, d) && fits(m, devices_[d]); }))
      call_off(d);
  // The front of each kind, and those of both in one order.
  const auto sooner = [this](ModelNumber a, ModelNumber b) { return is_before(a, b); };
  const auto of_host = [this](ModelNumber m) { return entries_[m].kind == DeviceKind::host; };
  const auto gpus = std::ranges::partition(all, of_host).begin();
  const auto front_of = [&](auto begin, auto end) {
    const auto front = begin + std::min<std::ptrdiff_t>(end - begin, evictors_max);
    std::partial_sort(begin, front, end, sooner);
    return front;
  };
  const auto hosts_front = front_of(all.begin(), gpus), gpus_front = front_of(gpus, all.end());
  const auto front = std::rotate(hosts_front, gpus, gpus_front);
  if (gpus_front != gpus) std::sort(all.begin(), front, sooner);
  std::vector<bool> closed(devices_.size());  // to all that come behind: one before them waits for that device
  for (auto at = all.begin(); at != all.end(); ++at) {
    // One that sleeps may have been stopped for another before it.
    if (!wanted(*at) || place_in_room(*at, cause_of(entries_[*at]), closed) || at >= front) continue;
    (void)place_by_eviction(*at, closed);
  }
}

// Where it fits most tightly.
bool Planner::place_in_room(ModelNumber model, Cause cause, const std::vector<bool>& closed) {
  const std::uint64_t bytes = needs(model);
  std::optional<DeviceNumber> best;
  for (DeviceNumber d = 0; d < devices_.size(); ++d)
    if (!closed[d] && may_be_on(model, d) && devices_[d].room() >= bytes &&
        (!best || devices_[d].room() < devices_[*best].room()))
      best = d;
  if (!best) return false;
  wake_or_load(model, *best, cause);
  return true;
}

// By those that are unused before those in use, and better asleep than gone.
std::optional<Planner::Sacrifice> Planner::cheapest(ModelNumber model, const std::vector<bool>& closed, Reach reach) {
  std::optional<Sacrifice> best;
  for (const bool sleep : {true, false}) {
    if (sleep && std::ranges::none_of(devices_, [](const Device& d) { return d.backing != no_device; })) continue;
    for (DeviceNumber d = 0; d < devices_.size(); ++d) {
      if (closed[d] || devices_[d].coming != no_model || !may_be_on(model, d)) continue;
      auto found = sacrifice(d, model, reach, sleep);
      if (!found) continue;
      const auto dearer = [](const Sacrifice& a, const Sacrifice& b) {
        return a.drain_s != b.drain_s ? a.drain_s > b.drain_s : a.worth > b.worth;
      };
      if (!best || dearer(*best, *found)) best = std::move(found);
    }
    if (best) return best;
  }
  return std::nullopt;
}

bool Planner::place_by_eviction(ModelNumber model, std::vector<bool>& closed) {
  auto best = copies_.empty() ? std::nullopt : cheapest(model, closed, Reach::spare);
  if (!best) best = cheapest(model, closed, Reach::unused);
  if (!best && moves(model)) {
    unload(model, Cause::elsewhere, no_model);
    return true;
  }
  if (!best) best = cheapest(model, closed, Reach::used);
  Entry& entry = entries_[model];
  if (!best) {
    // It has waited long enough for a switch: nobody behind it takes what it waits for.
    const double switch_s = comes_s(model) + service_s(entry);
    const double missing_s = settings_.switches_waited * switch_s - entry.line.waited_s(now_);
    if (!urgent(entry) && missing_s > 0) {
      const auto sleeper = [this](ModelNumber m) {
        return entries_[m].where == Where::asleep && entries_[m].line.waiting() > 0;
      };
      const auto has_one = [&](const Device& d) { return std::ranges::any_of(d.models, sleeper); };
      if (std::ranges::any_of(devices_, has_one)) meet(now_ + after_about(missing_s / entry.line.weight()) + 1us);
      return false;
    }
    // Closed to those behind it, one of them that sleeps there would neither be woken nor make room.
    best = cheapest(model, closed, Reach::sleepers);
  }
  if (!best) {
    for (DeviceNumber d = 0; d < devices_.size(); ++d)
      if (may_be_on(model, d) && fits(model, devices_[d])) closed[d] = true;
    return false;
  }
  Device& device = devices_[best->device];
  device.coming = model;
  device.reserved = needs(model);
  entry.device = best->device;
  if (entry.where != Where::asleep) enter(entry, Where::coming, cause_of(entry));
  const double switch_s = comes_s(model) + best->drain_s;
  switch_s_ = switch_s_ == 0 ? switch_s : switch_s_ + (switch_s - switch_s_) / 8;
  for (const ModelNumber m : best->models) {
    const bool idle = unused(entries_[m]) || entries_[m].where == Where::asleep;
    const Cause cause = idle ? Cause::makes_room : yields(m, model).value_or(Cause::line_empty);
    leave(m, best->device, cause, model, best->sleep);
  }
  closed[best->device] = true;
  go_on(best->device);
  return true;
}

// The least that must go: the unused by their worth, then those that yield by how soon they are done; and of these
// whoever can stay after all stays, the last first.
std::optional<Planner::Sacrifice> Planner::sacrifice(DeviceNumber number, ModelNumber wanted, Reach reach, bool sleep) {
  const Device& device = devices_[number];
  if (catalogue_[wanted].bytes > device.bytes) return std::nullopt;
  auto all = leavers(number, wanted, reach, sleep);
  std::ranges::sort(all);
  std::vector<std::uint64_t> free;
  for (const Leaver& one : all) free.push_back(one.frees);
  const auto go = pack(free, device.room(), reach == Reach::rested ? catalogue_[wanted].bytes : needs(wanted));
  if (!go) return std::nullopt;
  Sacrifice chosen{number, {}, 0, 0, sleep};
  for (const std::size_t i : *go) {
    chosen.models.push_back(all[i].model);
    chosen.drain_s = std::max(chosen.drain_s, all[i].drain_s);
    chosen.worth += all[i].worth;
  }
  return chosen;
}

// Whether a model in use makes room for an absent one, and why.
std::optional<Cause> Planner::yields(ModelNumber used, ModelNumber absent) {
  const Entry& entry = entries_[used];
  const Entry& other = entries_[absent];
  const bool loads = entry.where == Where::loading && !entry.pinned;
  if (loads && now_ < overdue_at(used)) {
    meet(overdue_at(used));
    return std::nullopt;
  }
  if (!loads && (entry.where != Where::ready || urgent(entry))) return std::nullopt;
  const double switch_s = comes_s(absent) + drain_s(entry, entry);
  const double missing_s = settings_.switches_waited * switch_s - other.line.waited_s(now_);
  const bool waited = urgent(other) || missing_s <= 0;
  if (!waited && other.line.weight() > 0) meet(now_ + after_about(missing_s / other.line.weight()) + 1us);
  if (loads) return waited ? std::optional(Cause::overdue) : std::nullopt;
  const Instant turn_ends = entry.since + turn_most(switch_s);
  const bool empty = entry.line.waiting() == 0;
  if (!empty) meet(turn_ends);
  if (!waited || (!empty && now_ < turn_ends)) return std::nullopt;
  return empty ? Cause::line_empty : Cause::turn_over;
}

}  // namespace faelled::residency
