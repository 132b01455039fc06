#include "residency/planner.hpp"

#include <cmath>
#include <utility>

#include "base/seconds.hpp"
#include "residency/average.hpp"

namespace faelled::residency {

std::span<const Action> Planner::step(Instant now, const Event& event) {
  now_ = std::max(now_, now);
  if (began_ == Instant{}) began_ = now_;
  actions_.clear();
  for (Crowd& crowd : crowds_) gather(crowd);
  std::visit([this](const auto& e) { this->on(e); }, event);
  plan();
  return actions_;
}

void Planner::on(const ModelIs& is) {
  if (is.model >= entries_.size()) {
    entries_.resize(is.model + 1);
    catalogue_.resize(is.model + 1);
  }
  Entry& entry = entries_[is.model];
  Model& model = catalogue_[is.model];
  ++fitting_;
  entry.known = true;
  entry.bytes_said = std::max(is.bytes, std::uint64_t{1});
  const std::uint64_t bytes = std::max(entry.bytes_said, entry.bytes_read);
  // Room is being made for another size.
  const bool elsewhere = is.kind != entry.kind || is.spreads != entry.spreads;
  if (comes(is.model) && (bytes != model.bytes || elsewhere)) call_off(entry.device);
  entry.kind = is.kind;
  entry.spreads = is.spreads;
  model.bytes = bytes;
  // Loaded as what it is from now on, or grown as it runs.
  const bool there = entry.where == Where::loading || entry.where == Where::ready;
  if (there && !entry.outdated && entry.taken < bytes) take(is.model, bytes);
  entry.load_guess = is.load;
  if (!entry.load_measured) model.load = is.load;
  entry.places = std::max(is.places, 1U);
  entry.copies = std::max(is.copies, 1U);
  // What an operator said of it holds until its definition says otherwise.
  if (std::exchange(entry.pinned_by_definition, is.pinned) != is.pinned) entry.pinned = is.pinned;
  entry.sleep_bytes = is.sleep_bytes;
  entry.residue = is.residue;
  entry.forgets = is.forgets;
  some_sleep_ = some_sleep_ || is.forgets;
  if ((is.at_start && entry.where == Where::absent) || (elsewhere && entry.at_start)) begin_at_start(is.model);
  list(is.model);
}

void Planner::on(const ModelGone& gone) {
  if (!known(gone.model)) return;
  Entry& entry = entries_[gone.model];
  ++fitting_;
  entry.known = entry.pinned = entry.pinned_by_definition = entry.ordered = entry.at_start = false;
  if (comes(gone.model)) call_off(entry.device);
  outdate(entry);
  if (entry.where != Where::absent) drain(gone.model, Cause::removed, no_model);
  drain_copies(gone.model, Cause::removed, no_model);
}

void Planner::on(const DeviceIs& is) {
  const bool began = is.device >= devices_.size();
  if (began) devices_.resize(is.device + 1);
  Device& device = devices_[is.device];
  const bool other_kind = device.kind != is.kind || device.cards != is.cards;
  device.kind = is.kind;
  device.cards = is.cards;
  const bool other_bytes = std::exchange(device.bytes, is.bytes) != is.bytes;
  device.backing = is.backing == is.device ? no_device : is.backing;
  some_sleep_ = some_sleep_ || device.backing != no_device;
  fitting_ += other_kind || other_bytes || began ? 1 : 0;
  if (!other_bytes) return;
  std::uint64_t all = 0;
  for (const Device& one : devices_) all += one.bytes;
  // What others take of a GPU comes and goes; what was learned holds for about as much.
  if (all > tuned_for_ - tuned_for_ / 8 && all < tuned_for_ + tuned_for_ / 8) return;
  tuned_for_ = all;
  tuner_ = Tuner(all);
}

void Planner::on(const DevicesAre& all) {
  for (const DeviceIs& device : all.devices) on(device);
}

void Planner::on(const Arrived& arrived) {
  if (!known(arrived.model)) return;
  const auto weight = static_cast<float>(arrived.weight);
  if (!tickets_.try_emplace(arrived.ticket, Ticket{arrived.model, weight, false, 0, now_}).second) return;
  Entry& entry = entries_[arrived.model];
  tuner_.asked(arrived.model, catalogue_, now_);
  catalogue_[arrived.model].demand.asked(now_);
  offered_s_ = offered_s_ * std::exp(-seconds(now_ - offered_at_) / offered_fades_s) + service_s(entry) / entry.places;
  offered_at_ = now_;
  entry.line.arrived(now_, weight);
  if (quarter_) habits_[arrived.model].asked(*quarter_);
  list(arrived.model);
  crowd(arrived.model);
}

void Planner::on(const Started& started) {
  const auto found = tickets_.find(started.ticket);
  if (found == tickets_.end() || found->second.running) return;
  Ticket& ticket = found->second;
  Entry& entry = entries_[ticket.model];
  entry.line.left(ticket.since, ticket.weight);
  entry.line.started();
  Copy* const copy = copy_on(ticket.model, started.device);
  Engine& engine = copy != nullptr ? static_cast<Engine&>(*copy) : entry;
  ++engine.running;
  engine.used_at = now_;
  ticket.engine = engine.number;
  if (std::exchange(entry.warmed, false)) {
    ++counts_.warmed_used;
    habits_[ticket.model].used();
  }
  ticket.running = true;
  ticket.since = now_;
  crowd(ticket.model);
}

void Planner::on(const Returned& returned) {
  const auto found = tickets_.find(returned.ticket);
  if (found == tickets_.end() || !found->second.running) return;
  Ticket& ticket = found->second;
  if (Engine* engine = engine_of(ticket)) --engine->running;
  entries_[ticket.model].line.ended();
  entries_[ticket.model].line.arrived(now_, ticket.weight);
  ticket.running = false;
  ticket.since = now_;
  list(ticket.model);
  crowd(ticket.model);
}

void Planner::on(const Ended& ended) {
  const auto found = tickets_.find(ended.ticket);
  if (found == tickets_.end()) return;
  const Ticket ticket = found->second;
  tickets_.erase(found);
  Entry& entry = entries_[ticket.model];
  if (!ticket.running) return entry.line.left(ticket.since, ticket.weight);
  entry.line.ended();
  if (Engine* engine = engine_of(ticket)) {
    --engine->running;
    engine->used_at = now_;
  }
  double mean = seconds(entry.service);
  average(mean, seconds(now_ - ticket.since));
  entry.service = after_seconds(mean);
}

void Planner::on(const EngineIs& is) {
  if (is.model >= entries_.size() || is.device >= devices_.size()) return;
  if (Copy* copy = copy_on(is.model, is.device)) return copy_is(*copy, is);
  Entry& entry = entries_[is.model];
  Model& model = catalogue_[is.model];
  if (entry.where == Where::absent || entry.where == Where::coming || entry.device != is.device) return;
  if (is.state == EngineState::asleep) return fell_asleep(is);
  if (entry.where == Where::falling_asleep || entry.where == Where::asleep) {  // said before it slept
    entry.begun_anew |= entry.where == Where::falling_asleep && is.state != EngineState::ready;
    return;
  }
  if (entry.outdated) {
    if (is.bytes_read > entry.taken) take(is.model, is.bytes_read);
  } else if (is.bytes_read > entry.bytes_read) {
    entry.bytes_read = is.bytes_read;
    // Only upwards: what a reading does not show yet may still be touched.
    if (is.bytes_read > model.bytes) {
      model.bytes = is.bytes_read;
      take(is.model, model.bytes);
    }
  }
  if (is.load > Duration::zero() && !entry.outdated) {
    entry.load_measured = true;
    entry.load_remembered = false;
    model.load = is.load;
    if (entry.where == Where::loading && is.state == EngineState::ready)
      reading_.loaded(entry.sleep_bytes, seconds(is.load));
  }
  // It was to sleep, and another process is begun in its place: that one ends, and sleeping was never tried.
  if (entry.where == Where::draining && entry.level > 0 && is.state != EngineState::ready) stay_up(is.model);
  Device& device = devices_[entry.device];
  const bool changes = entry.where != Where::draining && entry.where != Where::unloading;
  if (is.state == EngineState::ready && changes && entry.where != Where::ready) {
    entry.failures = 0;
    entry.used_at = now_;
    got_up(is.model, true);
    entry.ordered = false;
    enter(entry, Where::ready, entry.cause);
    if (device.coming == is.model) device.coming = no_model;
    if (std::exchange(entry.to_sleep, false) && entry.line.empty() && may_sleep(is.model))
      yield(is.model, Cause::ordered, no_model);
  } else if (is.state == EngineState::failed && changes && entry.where != Where::failed) {
    ++entry.failures;
    entry.ordered = false;
    got_up(is.model, false);
    enter(entry, Where::failed, Cause::broken);
    if (device.coming == is.model) device.coming = no_model;
    promote(is.model);
  } else if (is.state == EngineState::loading &&
             (entry.where == Where::ready || entry.where == Where::failed || entry.where == Where::waking)) {
    got_up(is.model, false);
    enter(entry, Where::loading, Cause::broken);
    promote(is.model);
  }
}

void Planner::on(const EngineGone& gone) {
  if (gone.model >= entries_.size()) return;
  if (Copy* copy = copy_on(gone.model, gone.device)) return copy_gone(*copy);
  Entry& entry = entries_[gone.model];
  if (entry.where == Where::absent || entry.where == Where::coming) return;
  Device& device = devices_[entry.device];
  if (comes(gone.model)) call_off(entry.device);
  take(gone.model, 0);
  if (entry.where == Where::falling_asleep && !entry.begun_anew)
    (entry.level == 2 ? entry.forgot_in_vain : entry.sleepless) = true;
  got_up(gone.model, false);
  stay_up(gone.model);
  entry.outdated = false;
  if (device.coming == gone.model) device.coming = no_model;
  const bool starts = entry.where == Where::loading || entry.where == Where::ready || entry.where == Where::waking;
  const bool by_itself = starts || entry.where == Where::failed || entry.where == Where::asleep;
  if (starts) ++entry.failures;
  if (entry.failures > 0) {
    const auto doublings = std::min(entry.failures - 1, 16U);
    const Duration wait = std::min<Duration>(settings_.retry_first * (1LL << doublings), settings_.retry_most);
    entry.blocked_until = now_ + std::max(wait, std::exchange(entry.held, Duration{}));
  }
  entry.warmed = false;
  enter(entry, Where::absent, by_itself ? Cause::broken : entry.cause, by_itself ? no_model : entry.other);
  entry.running = entry.number = 0;
  promote(gone.model);
  if (entry.known && entry.at_start) begin_at_start(gone.model);
  list(gone.model);
}

void Planner::on(const Order& order) {
  if (!known(order.model)) return;
  Entry& entry = entries_[order.model];
  switch (order.act) {
    case Act::load:
    case Act::wake:
      entry.to_sleep = false;
      if (entry.where == Where::ready) return;
      // It was told to go by an operator, who has thought better of it.
      if (entry.where == Where::draining && entry.cause == Cause::ordered && !entry.outdated)
        return recall(order.model, Cause::ordered);
      forget_reading(order.model);
      entry.ordered = true;
      entry.failures = 0;
      entry.blocked_until = {};
      if (entry.where == Where::failed) return unload(order.model, Cause::ordered, no_model);  // and at once anew
      return list(order.model);
    case Act::unload:
      entry.ordered = entry.at_start = entry.to_sleep = false;
      if (!entry.pinned && entry.where != Where::absent && entry.where != Where::coming)
        drain(order.model, Cause::ordered, no_model);
      return;
    case Act::sleep:
      entry.ordered = entry.at_start = false;
      entry.to_sleep = !entry.pinned && entry.where == Where::waking;
      if (!entry.pinned && entry.where == Where::ready && may_sleep(order.model))
        yield(order.model, Cause::ordered, no_model);
      return;
    case Act::pin:
      ++fitting_;
      entry.pinned = true;
      entry.to_sleep = false;
      entry.blocked_until = {};
      forget_reading(order.model);
      return list(order.model);
    case Act::unpin:
      ++fitting_;
      entry.pinned = false;
      return;
    case Act::renew:
      // What was there comes back as it is now.
      entry.at_start = entry.where == Where::loading || entry.where == Where::ready || entry.where == Where::failed;
      outdate(entry);
      if (entry.outdated) drain(order.model, Cause::ordered, no_model);
      drain_copies(order.model, Cause::ordered, no_model);
      return list(order.model);
  }
}

// What is usual in the next quarter is begun so long before it that it is ready.
void Planner::on(const QuarterIs& is) {
  if (quarter_ == is.quarter) return;  // told again by a clock that was put back
  constexpr auto in_hand = std::chrono::seconds(10);
  for (auto& [model, habit] : habits_)
    if (quarter_) habit.over(*quarter_);
  quarter_ = is.quarter;
  to_warm_.clear();
  if (is.quarter.last()) return;
  for (const auto& [model, habit] : habits_)
    if (habit.worth_warming(is.quarter.next()) >= settings_.habit_least)
      to_warm_.emplace_back(std::max(now_, now_ + Quarter::takes - 2 * catalogue_[model].load - in_hand), model);
  std::ranges::sort(to_warm_);
}

void Planner::on(const HabitIs& is) {
  if (known(is.model)) habits_[is.model] = is.habit;
}

void Planner::on(const LoadWas& was) {
  if (!known(was.model) || entries_[was.model].bytes_said != was.bytes || measured(was.model)) return;
  entries_[was.model].load_measured = entries_[was.model].load_remembered = true;
  catalogue_[was.model].load = was.load;
}

// --- what is carried out ---

void Planner::enter(Engine& engine, Where where, Cause cause, ModelNumber other) {
  ++fitting_;
  engine.where = where;
  engine.cause = cause;
  engine.other = other;
  engine.since = now_;
}

// What an engine was seen to take once keeps a model out that would fit by its definition: an operator may try again.
void Planner::forget_reading(ModelNumber model) {
  Entry& entry = entries_[model];
  if (entry.where != Where::absent || fits(model) || !fits_as_said(model)) return;
  ++fitting_;
  entry.bytes_read = 0;
  catalogue_[model].bytes = entry.bytes_said;
}

void Planner::outdate(Entry& entry) {
  entry.bytes_read = 0;
  entry.load_measured = entry.load_remembered = false;
  entry.failures = 0;
  entry.blocked_until = {};
  entry.sleepless = entry.forgot_in_vain = false;
  entry.wake_s = entry.reload_s = 0;
  entry.outdated = entry.where != Where::absent && entry.where != Where::coming;
}

void Planner::take(Engine& engine, std::uint64_t bytes) {
  ++fitting_;
  devices_[engine.device].taken += bytes - engine.taken;
  engine.taken = bytes;
}

void Planner::take(ModelNumber number, std::uint64_t bytes) {
  Entry& entry = entries_[number];
  std::vector<ModelNumber>& models = devices_[entry.device].models;
  if (entry.taken == 0 && bytes != 0) models.push_back(number);
  if (entry.taken != 0 && bytes == 0) std::erase(models, number);
  take(static_cast<Engine&>(entry), bytes);
}

// Nothing: it has gone since, and another may be in its place.
Planner::Engine* Planner::engine_of(const Ticket& ticket) {
  Entry& entry = entries_[ticket.model];
  if (entry.number == ticket.engine) return &entry;
  for (Copy& copy : copies_)
    if (copy.model == ticket.model && copy.number == ticket.engine) return &copy;
  return nullptr;
}

void Planner::load(ModelNumber model, DeviceNumber device, Cause cause) {
  Entry& entry = entries_[model];
  entry.device = device;
  entry.at_start = false;
  entry.warmed = cause == Cause::habit;
  entry.number = ++engines_begun_;
  entry.running = 0;
  entry.to_sleep = false;
  ++counts_.loads;
  counts_.warmed += entry.warmed ? 1 : 0;
  take(model, catalogue_[model].bytes);
  enter(entry, Where::loading, cause);
  actions_.emplace_back(Load{model, device, cause});
}

void Planner::unload(ModelNumber model, Cause cause, ModelNumber other) {
  Entry& entry = entries_[model];
  if (comes(model)) call_off(entry.device);
  drain_copies(model, cause, other);
  stay_up(model);
  if (cause == Cause::overdue) {  // the next try waits, as after any failure, and an operator's word is spent
    ++entry.failures;
    entry.ordered = false;
    entry.held = now_ - entry.since;
  }
  enter(entry, Where::unloading, cause, other);
  actions_.emplace_back(Unload{model, cause, other, entry.device});
}

void Planner::drain(ModelNumber model, Cause cause, ModelNumber other) {
  Entry& entry = entries_[model];
  if (entry.where == Where::unloading) return;
  if (entry.where == Where::draining) {
    if (other != no_model) return;
    enter(entry, Where::draining, cause);  // whoever it made room for no longer calls it back, nor its copies
    stay_up(model);
    return drain_copies(model, cause, no_model);
  }
  // What is broken runs nothing, though what ran on it has not been given back yet.
  if (entry.running == 0 || entry.where == Where::loading) return unload(model, cause, other);
  drain_copies(model, cause, other);
  enter(entry, Where::draining, cause, other);
  actions_.emplace_back(Drain{model, cause, other, entry.device});
}

}  // namespace faelled::residency
