// Planner's first loads: of those that nobody has asked for, in the order of the catalogue, as many as fit.
#include <algorithm>

#include "residency/planner.hpp"

namespace faelled::residency {

void Planner::begin_at_start(ModelNumber model) {
  AtStart& those = at_start_.at(entries_[model].kind == DeviceKind::host ? 0 : 1);
  entries_[model].at_start = true;
  those.models.push_back(model);
  note_at_start(those, model);
}

void Planner::note_at_start(AtStart& those, ModelNumber model) const {
  const std::uint64_t bytes = catalogue_[model].bytes;
  those.least = std::min(those.least, bytes);
  if (entries_[model].spreads) those.least_that_spreads = std::min(those.least_that_spreads, bytes);
}

void Planner::plan_at_start() {
  if (devices_.empty()) return;  // they are not known yet
  plan_at_start(DeviceKind::host, at_start_[0]);
  plan_at_start(DeviceKind::gpu, at_start_[1]);
}

void Planner::plan_at_start(DeviceKind kind, AtStart& those) {
  if (those.models.empty()) return;
  std::vector<std::uint32_t> loading(devices_.size());
  const auto closed_now = [&](DeviceNumber d) { return loading[d] >= settings_.loads_at_start; };
  bool waits = false, open = false;
  for (DeviceNumber d = 0; d < devices_.size(); ++d) {
    const Device& device = devices_[d];
    if (device.kind != kind) continue;
    for (const ModelNumber m : device.models) loading[d] += entries_[m].where == Where::loading ? 1 : 0;
    waits |= closed_now(d);
    open |= !closed_now(d) && device.room() >= (device.cards > 1 ? those.least_that_spreads : those.least);
  }
  // There may be very many, and they are looked at again once a load has ended.
  if (waits && !open) return;
  std::vector<bool> closed(devices_.size());
  those.least = those.least_that_spreads = UINT64_MAX;
  std::erase_if(those.models, [&](ModelNumber m) {
    Entry& entry = entries_[m];
    if (!entry.known || !entry.at_start || entry.where != Where::absent || entry.kind != kind) return true;
    for (DeviceNumber d = 0; d < devices_.size(); ++d) closed[d] = closed_now(d);
    if (place_in_room(m, Cause::at_start, closed)) {
      ++loading[entry.device];
      return true;
    }
    // What does not fit beside those before it waits until it is asked for.
    const std::uint64_t bytes = catalogue_[m].bytes;
    entry.at_start = std::ranges::any_of(devices_, [&](const Device& d) { return suits(m, d) && d.room() >= bytes; });
    if (entry.at_start) note_at_start(those, m);
    return !entry.at_start;
  });
}

}  // namespace faelled::residency
