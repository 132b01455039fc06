// What Residents tells of models and memories; it changes nothing.
#include <algorithm>
#include <utility>

#include "base/byte_text.hpp"
#include "mesh/residency_terms.hpp"
#include "mesh/residents.hpp"

namespace faelled::mesh {

using Where = residency::ModelState::Where;

bool Residents::closed(std::string_view model, std::string_view node, std::string_view device) const {
  const auto found = number(model);
  if (!found) return false;
  switch (planner_.where(*found, find_device(node, device))) {
    case Where::draining:
    case Where::unloading:
    case Where::falling_asleep:
    case Where::asleep:
    case Where::waking:
      return true;
    default:
      return false;
  }
}

// What is up, or nearly so, has its memory: that others have taken some since is no reason to send anybody away.
bool Residents::fits(residency::ModelNumber model) const {
  const Where where = planner_.where(model);
  return planner_.devices() == 0 || where == Where::ready || where == Where::loading || where == Where::waking ||
         planner_.fits(model);
}

std::string Residents::misfit(std::string_view model) const {
  const auto found = number(model);
  if (!found || fits(*found)) return {};
  const residency::ModelState state = planner_.model(*found, clock_.now()).value_or(residency::ModelState{});
  const std::uint64_t needed = state.bytes;
  bool groups = false;  // in which it cannot lie
  for (residency::DeviceNumber d = 0; d < planner_.devices(); ++d)
    groups |= planner_.device(d).value_or(residency::DeviceState{}).cards > 1;
  groups = groups && state.kind == residency::DeviceKind::gpu && !state.spreads;
  const auto largest_that_suits = planner_.largest(*found);
  if (!largest_that_suits)
    return groups ? "it is to lie on one GPU, and this server has them in groups alone"
                  : "it is to lie on a GPU, and this server has none";
  const std::uint64_t largest = *largest_that_suits;
  if (state.may_be_tried)
    return "its engine took " + byte_text(needed, Rounded::up) + " of memory, more than its file says, and " +
           (needed <= largest ? "pinned models leave less"
                              : "the largest here has " + byte_text(largest, Rounded::down)) +
           ": when an operator loads it, it is tried again";
  std::string why = "it needs " + byte_text(needed, Rounded::up) + " of memory, and the largest " +
                    (groups ? "single GPU" : "memory") + " here has " + byte_text(largest, Rounded::down) +
                    " for models";
  if (needed <= largest) why += ", of which pinned models keep too much";
  return why;
}

// Asked every few seconds, and looked for only when models or memories are others: there may be very many names.
std::vector<std::string_view> Residents::misfits() const {
  if (const std::uint64_t now = planner_.fitting(); std::exchange(misfits_as_of_, now) != now) {
    misfits_.clear();
    for (residency::ModelNumber m = 0; m < names_.size(); ++m)
      if (!fits(m)) misfits_.push_back(m);
  }
  std::vector<std::string_view> all;
  for (const residency::ModelNumber m : misfits_) all.push_back(names_.name(m));
  return all;
}

Duration Residents::ready_in(std::string_view model) const {
  const auto found = number(model);
  return found ? planner_.ready_in(*found, clock_.now()) : Duration{};
}

Duration Residents::promise(std::string_view model) const {
  const auto found = number(model);
  return found ? planner_.promise(*found, clock_.now()) : Duration{};
}

std::optional<Duration> Residents::promise() const {
  if (names_.size() == 0) return std::nullopt;
  return planner_.promise(clock_.now());
}

std::vector<rpc::DeviceResidency> Residents::devices() const {
  std::vector<rpc::DeviceResidency> all;
  for (residency::DeviceNumber d = 0; d < devices_.size(); ++d) {
    const residency::DeviceState state = planner_.device(d).value_or(residency::DeviceState{});
    all.push_back({devices_[d].node, devices_[d].device, state.bytes, state.taken, state.reserved, kind_of(state.kind),
                   state.cards});
  }
  return all;
}

std::vector<std::string_view> Residents::in_use() const {
  std::vector<std::string_view> all;
  for (const residency::ModelNumber model : planner_.in_use()) all.push_back(names_.name(model));
  return all;
}

std::optional<rpc::ModelResidency> Residents::residency(const std::string& model) const {
  const auto found = number(model);
  const Instant now = clock_.now();
  const auto state = found ? planner_.model(*found, now) : std::nullopt;
  if (!state) return std::nullopt;
  rpc::ModelResidency out;
  out.model = model;
  if (state->where != Where::absent && state->device < devices_.size()) {
    out.node = devices_[state->device].node;
    out.device = devices_[state->device].device;
  }
  out.state = state_of(state->where);
  out.cause = cause_of(state->cause);
  if (state->other != residency::no_model) out.other = name_of(state->other);
  if (state->since != Instant{}) out.in_state = now - state->since;
  out.bytes = state->bytes;
  out.bytes_read = state->bytes_read;
  out.taken = state->taken;
  if (state->backing < devices_.size()) out.backing = devices_[state->backing].device;
  out.backed = state->backed;
  out.sleep_level = state->level;
  out.can_sleep = state->can_sleep;
  out.wake_time = state->wake;
  out.pinned = state->pinned;
  out.fits = state->fits;
  out.may_be_tried = state->may_be_tried;
  out.kind = kind_of(state->kind);
  out.spreads = state->spreads;
  if (const auto detail = details_.find(*found); detail != details_.end()) out.detail = detail->second;
  if (const std::string why = misfit(model); !why.empty()) out.detail = why;
  out.load_time = state->load;
  out.ready_in = state->ready_in;
  out.asked_per_hour = state->asked_per_hour;
  out.running = state->running;
  out.waiting = state->waiting;
  out.scales = state->scales;
  for (const residency::EngineFacts& copy : planner_.copies(*found)) {
    rpc::ModelCopy& told = out.copies.emplace_back();
    told.node = devices_[copy.device].node;
    told.device = devices_[copy.device].device;
    told.state = state_of(copy.where);
    told.cause = cause_of(copy.cause);
    if (copy.other != residency::no_model) told.other = name_of(copy.other);
    told.in_state = now - copy.since;
    told.taken = copy.taken;
    told.running = copy.running;
  }
  return out;
}

std::vector<rpc::ResidencyEvent> Residents::events(std::uint64_t before, std::size_t most) const {
  std::vector<rpc::ResidencyEvent> out;
  for (auto at = events_.rbegin(); at != events_.rend() && out.size() < most; ++at)
    if (before == 0 || at->number < before) out.push_back(*at);
  return out;
}

}  // namespace faelled::mesh
