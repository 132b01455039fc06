#include "mesh/residents.hpp"

#include <algorithm>
#include <utility>

#include "base/byte_text.hpp"
#include "base/limits.hpp"
#include "mesh/residency_terms.hpp"

namespace faelled::mesh {

using Where = residency::ModelState::Where;
using What = rpc::ResidencyEvent::What;

namespace {

residency::HabitIs habit_is(residency::ModelNumber model, const residency::Habit& habit) { return {model, habit}; }
residency::LoadWas load_was(residency::ModelNumber model, const LoadSeen& seen) {
  return {model, seen.bytes, seen.load};
}

}  // namespace

Residents::Residents(const Clock& clock, residency::Settings settings, Changed changed)
    : clock_(clock), planner_(settings), changed_(std::move(changed)) {}

void Residents::know(const Resident& model) {
  const residency::ModelNumber number = names_.add(model.model);
  step(residency::ModelIs{number, model.bytes, model.load_guess, model.places, model.pinned, model.at_start,
                          model.sleep_bytes, model.residue, kind_of(model.kind), model.copies, model.forgets,
                          model.spreads});
  if (const auto learned = unknown_.extract(model.model)) step(habit_is(number, learned.mapped()));
  if (const auto learned = unknown_loads_.extract(model.model)) step(load_was(number, learned.mapped()));
}

void Residents::forget(const std::string& model) {
  unknown_.erase(model);
  unknown_loads_.erase(model);
  const auto found = number(model);
  if (!found) return;
  details_[*found].clear();
  sleepless_.erase(*found);
  step(residency::ModelGone{*found});
}

void Residents::renew(const std::string& model) {
  const auto found = number(model);
  if (!found) return;
  details_[*found].clear();
  sleepless_.erase(*found);
  step(residency::Order{*found, residency::Act::renew});
}

Habits Residents::habits() const {
  Habits all = unknown_;
  for (const auto& [model, habit] : planner_.habits())
    if (!habit.empty() && planner_.model(model, clock_.now())) all.insert_or_assign(name_of(model), habit);
  return all;
}

Loads Residents::loads() const {
  Loads all = unknown_loads_;
  for (residency::ModelNumber model = 0; model < planner_.models(); ++model)
    if (const auto was = planner_.measured(model))
      all.insert_or_assign(name_of(model), LoadSeen{was->bytes, was->load});
  return all;
}

template <class All, class EventOf>
void Residents::learn(const All& all, All& unknown, const EventOf& event_of) {
  for (const auto& [model, what] : all) {
    const auto found = number(model);
    if (found && planner_.model(*found, clock_.now())) {
      step(event_of(*found, what));
    } else {
      unknown.insert_or_assign(model, what);
    }
  }
}

void Residents::learned(const Habits& habits) { learn(habits, unknown_, habit_is); }

void Residents::learned(const Loads& loads) { learn(loads, unknown_loads_, load_was); }

void Residents::arrived(const rpc::Ticket& ticket, double share) {
  const auto found = number(ticket.model);
  if (found) step(residency::Arrived{ticket.number, *found, weights_.arrived(ticket.member, share)});
}

void Residents::started(const rpc::Ticket& ticket, const std::string& node, const std::string& device) {
  if (!number(ticket.model)) return;
  weights_.left(ticket.member);
  step(residency::Started{ticket.number, find_device(node, device)});
}

void Residents::returned(const rpc::Ticket& ticket, double share) {
  const auto found = number(ticket.model);
  if (!found) return;
  const double weight = weights_.arrived(ticket.member, share);
  if (planner_.knows(ticket.number)) return step(residency::Returned{ticket.number});  // with the weight it came with
  step(residency::Arrived{ticket.number, *found, weight});  // it ran before the model was one of ours
}

void Residents::ended(const rpc::Ticket& ticket, bool ran) {
  if (!number(ticket.model)) return;
  if (!ran) weights_.left(ticket.member);
  step(residency::Ended{ticket.number});
}

void Residents::report(const rpc::Report& report) {
  residency::DevicesAre devices;
  for (const rpc::DeviceReport& device : report.devices)
    devices.devices.push_back(
        {device_number(report.node, device.device), device.bytes, kind_of(device.kind),
         device.backing.empty() ? residency::no_device : device_number(report.node, device.backing), device.cards});
  step(devices);
  std::vector<EngineAt> now;
  for (const rpc::EngineReport& engine : report.engines) {
    const auto model = number(engine.model);
    if (!model || engine.device.empty()) continue;
    now.emplace_back(*model, device_number(report.node, engine.device));
    if (engine.state != rpc::EngineState::waking) this->report(engine, now.back().first, now.back().second);
  }
  const std::vector<EngineAt> before = std::exchange(reported_[report.node], now);
  for (const auto& [gone, device] : before) {
    if (std::ranges::find(now, EngineAt(gone, device)) != now.end()) continue;
    auto event = about(What::gone, gone, device);
    if (const residency::EngineFacts was = planner_.engine(gone, device); was.where != Where::absent) {
      event.took = clock_.now() - was.since;
      if (was.where == Where::asleep || was.where == Where::falling_asleep) {
        event.cause = rpc::ResidencyCause::broken;
        if (const auto why = sleepless_.find(gone); why != sleepless_.end()) event.detail = why->second;
      }
    }
    note(std::move(event));
    step(residency::EngineGone{gone, device});
  }
}

void Residents::report(const rpc::EngineReport& engine, residency::ModelNumber model, residency::DeviceNumber device) {
  const residency::EngineFacts facts = planner_.engine(model, device);
  const Where before = facts.where;
  const auto first = planner_.model(model, clock_.now());
  const bool further = first && first->where != Where::absent && first->device != device;
  residency::EngineIs is{model, device, residency::EngineState::loading, engine.bytes_read, engine.load_time};
  if (engine.state == rpc::EngineState::ready) is.state = residency::EngineState::ready;
  if (engine.state == rpc::EngineState::failed) {
    is.state = residency::EngineState::failed;
    // Of a further engine the log tells: the model is served.
    if (before != Where::draining && before != Where::unloading && !further) details_[model] = engine.detail;
  }
  if (engine.state == rpc::EngineState::asleep) is.state = residency::EngineState::asleep;
  const bool was_ready = before == Where::ready || before == Where::waking, was_failed = before == Where::failed;
  const Duration since = clock_.now() - facts.since;
  if (before == Where::falling_asleep && !engine.detail.empty()) sleepless_[model] = engine.detail;
  if (before == Where::falling_asleep && engine.state == rpc::EngineState::draining) return;  // as it was told to
  if (is.state == residency::EngineState::ready && (before == Where::loading || before == Where::waking)) {
    details_.erase(model);
    auto event = about(What::ready, model, device);
    event.took = before == Where::waking ? since : engine.load_time;
    note(std::move(event));
  } else if (is.state == residency::EngineState::asleep && before == Where::falling_asleep) {
    sleepless_[model] = "it says that it sleeps, and still holds " + byte_text(engine.bytes_read, Rounded::up);
    auto event = about(What::asleep, model, device);
    event.took = since;
    note(std::move(event));
  } else if (engine.state == rpc::EngineState::failed && (was_ready || before == Where::loading)) {
    auto event = about(What::failed, model, device);
    event.cause = rpc::ResidencyCause::broken;
    event.detail = engine.detail;
    note(std::move(event));
  } else if (engine.state == rpc::EngineState::starting && (was_ready || was_failed)) {
    auto event = about(What::load, model, device);
    event.cause = rpc::ResidencyCause::broken;
    event.detail = engine.detail;
    note(std::move(event));
  }
  step(is);
  if (planner_.where(model) == Where::asleep) sleepless_.erase(model);  // what it holds is as it should be
}

Expected<void> Residents::order(const std::string& model, rpc::ResidencyAct act) {
  const auto found = number(model);
  const auto state = found ? planner_.model(*found, clock_.now()) : std::nullopt;
  if (!state) return fail(Errc::not_found, "there is no model '" + model + "' that takes memory here");
  switch (act) {
    case rpc::ResidencyAct::sleep:
      if (auto may = may_sleep(*found, *state); !may) return may;
      step(residency::Order{*found, residency::Act::sleep});
      break;
    case rpc::ResidencyAct::wake:
      if (state->where != Where::asleep && state->where != Where::falling_asleep && !state->asleep_soon)
        return fail(Errc::conflict, "the model '" + model + "' does not sleep", "load it");
      [[fallthrough]];
    case rpc::ResidencyAct::load:
    case rpc::ResidencyAct::pin:
      if (const std::string why = misfit(model); !why.empty() && !state->may_be_tried)
        return fail(Errc::invalid, "the model '" + model + "' does not fit: " + why,
                    "give residency.memory_gb more, unpin others, or choose a smaller model or context");
      if (act == rpc::ResidencyAct::pin && !state->pinned) note_order(What::pin, *found);
      step(residency::Order{*found, act == rpc::ResidencyAct::pin ? residency::Act::pin : residency::Act::load});
      break;
    case rpc::ResidencyAct::unload:
      if (state->pinned) return fail(Errc::conflict, "the model '" + model + "' is pinned", "unpin it first");
      step(residency::Order{*found, residency::Act::unload});
      break;
    case rpc::ResidencyAct::unpin:
      if (state->pinned) note_order(What::unpin, *found);
      step(residency::Order{*found, residency::Act::unpin});
      break;
  }
  return {};
}

void Residents::scale(const std::string& model, std::uint32_t engines) {
  if (const auto found = number(model)) step(residency::Scale{*found, engines});
}

Expected<void> Residents::may_sleep(residency::ModelNumber model, const residency::ModelState& state) const {
  const std::string named = "the model '" + name_of(model) + "' ";
  if (state.pinned) return fail(Errc::conflict, named + "is pinned", "unpin it first");
  if (state.where == Where::waking) return {};  // it does once it is ready
  if (state.where != Where::ready) return fail(Errc::conflict, named + "is not ready", "wait until it is");
  if (!state.can_sleep) {
    const auto why = sleepless_.find(model);
    return fail(Errc::invalid, named + "cannot sleep" + (why == sleepless_.end() ? "" : ": " + why->second),
                "unload it instead");
  }
  if (!planner_.may_sleep(model))
    return fail(Errc::conflict, "there is no room for the weights of " + named.substr(0, named.size() - 1),
                "unload it, or another one that sleeps");
  return {};
}

std::optional<residency::ModelNumber> Residents::number(std::string_view model) const { return names_.find(model); }

residency::DeviceNumber Residents::find_device(std::string_view node, std::string_view device) const {
  const auto found =
      std::ranges::find_if(devices_, [&](const Device& d) { return d.node == node && d.device == device; });
  return found == devices_.end() ? residency::no_device
                                 : static_cast<residency::DeviceNumber>(found - devices_.begin());
}

residency::DeviceNumber Residents::device_number(const std::string& node, const std::string& device) {
  const residency::DeviceNumber known = find_device(node, device);
  if (known != residency::no_device) return known;
  devices_.push_back({node, device});
  return static_cast<residency::DeviceNumber>(devices_.size() - 1);
}

std::string Residents::name_of(residency::ModelNumber model) const { return std::string(names_.name(model)); }

rpc::ResidencyEvent Residents::about(What what, residency::ModelNumber model) const {
  rpc::ResidencyEvent event;
  event.what = what;
  event.model = name_of(model);
  if (const auto state = planner_.model(model, clock_.now())) {
    event.bytes = state->bytes;
    event.cause = cause_of(state->cause);
    if (state->other != residency::no_model) event.other = name_of(state->other);
    if (what == What::sleep || what == What::asleep || what == What::wake) event.level = state->level;
    if (state->where != Where::absent && state->device < devices_.size()) {
      event.node = devices_[state->device].node;
      event.device = devices_[state->device].device;
    }
  }
  return event;
}

rpc::ResidencyEvent Residents::about(What what, residency::ModelNumber model, residency::DeviceNumber device) const {
  auto event = about(what, model);
  const residency::EngineFacts engine = planner_.engine(model, device);
  event.cause = cause_of(engine.cause);
  event.other = engine.other == residency::no_model ? std::string() : name_of(engine.other);
  event.node = devices_[device].node;
  event.device = devices_[device].device;
  return event;
}

void Residents::note_order(What what, residency::ModelNumber model) {
  auto event = about(what, model);
  event.cause = rpc::ResidencyCause::ordered;  // and not why it is where it is
  event.other.clear();
  note(std::move(event));
}

void Residents::direct(rpc::Directive::Act act, residency::ModelNumber model, residency::DeviceNumber device,
                       std::uint8_t level) {
  if (nodes_ != nullptr) nodes_->direct({act, name_of(model), devices_[device].device, level});
}

void Residents::note(rpc::ResidencyEvent event) {
  event.number = ++last_event_;
  event.at = clock_.wall();
  events_.push_back(std::move(event));
  if (events_.size() > limits::residency_events_max) events_.pop_front();
}

// What is told may lead to more events: all that follows is done here too, in order, by the outermost call.
void Residents::step(const residency::Event& event) {
  const auto actions = planner_.step(clock_.now(), event);
  to_do_.insert(to_do_.end(), actions.begin(), actions.end());
  if (planner_.wake() != wake_) {
    wake_ = planner_.wake();
    if (wake_told_) wake_told_(wake_);
  }
  if (doing_) return;
  doing_ = true;
  while (!to_do_.empty()) {
    const residency::Action action = to_do_.front();
    to_do_.pop_front();
    carry_out(action);
  }
  doing_ = false;
}

void Residents::carry_out(const residency::Action& action) {
  using Act = rpc::Directive::Act;
  if (const auto* load = std::get_if<residency::Load>(&action)) {
    note(about(What::load, load->model, load->device));
    direct(Act::load, load->model, load->device);
    changed_(name_of(load->model));
  } else if (const auto* drain = std::get_if<residency::Drain>(&action)) {
    note(about(What::drain, drain->model, drain->device));
    changed_(name_of(drain->model));
  } else if (const auto* serve = std::get_if<residency::Serve>(&action)) {
    note(about(What::serve, serve->model, serve->device));
    changed_(name_of(serve->model));
  } else if (const auto* sleep = std::get_if<residency::Sleep>(&action)) {
    note(about(What::sleep, sleep->model, sleep->device));
    changed_(name_of(sleep->model));
    direct(Act::sleep, sleep->model, sleep->device, sleep->level);
  } else if (const auto* wake = std::get_if<residency::Wake>(&action)) {
    note(about(What::wake, wake->model, wake->device));
    direct(Act::wake, wake->model, wake->device);
    changed_(name_of(wake->model));
  } else if (const auto* unload = std::get_if<residency::Unload>(&action)) {
    auto event = about(What::unload, unload->model, unload->device);
    if (unload->cause == residency::Cause::keeps) event.detail = sleepless_[unload->model];
    note(std::move(event));
    changed_(name_of(unload->model));
    direct(Act::unload, unload->model, unload->device);
  }
}

}  // namespace faelled::mesh
