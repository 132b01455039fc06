// Planner: what nobody asks for goes, though nobody wants its room: after a time that the operator says, or once its
// device has drawn in vain what it would cost to have all back.
#include "base/seconds.hpp"
#include "residency/planner.hpp"

namespace faelled::residency {

void Planner::plan_unused() {
  for (DeviceNumber d = 0; d < devices_.size(); ++d) {
    if (settings_.unused_after > Duration::zero()) plan_unasked(d);
    if (settings_.idle_w > 0) plan_idle(d);
  }
}

// Ready and unused, or asleep and wanted by nobody.
bool Planner::idles(ModelNumber model) const {
  const Entry& entry = entries_[model];
  return sleeps_unwanted(model) || (entry.where == Where::ready && unused(entry));
}

// First to sleep, where it can. The last one on a device is left to its energy, where that is priced: as long as
// another process is there the device draws as much without this one.
void Planner::plan_unasked(DeviceNumber number) {
  const std::vector<ModelNumber> models = devices_[number].models;
  for (const ModelNumber m : models) {
    if (!idles(m) || (settings_.idle_w > 0 && alone_on(number))) continue;
    const Entry& entry = entries_[m];
    const Instant until = std::max(entry.used_at, entry.since) + settings_.unused_after;
    if (now_ >= until) {
      yield(m, Cause::unused, no_model);
    } else {
      meet(until);
    }
  }
}

// Beside those that go already.
bool Planner::alone_on(DeviceNumber number) const {
  const auto stays = [](const Engine& engine) {
    return engine.where != Where::draining && engine.where != Where::unloading;
  };
  const auto there = [&](const Copy& copy) { return copy.device == number && stays(copy); };
  const auto first = [&](ModelNumber model) { return stays(entries_[model]); };
  return std::ranges::count_if(devices_[number].models, first) + std::ranges::count_if(copies_, there) == 1;
}

// How long a further engine stays that nobody needs; Duration::max(): neither time nor energy makes it go.
Duration Planner::idle_most(ModelNumber model) const {
  if (settings_.unused_after > Duration::zero()) return settings_.unused_after;
  if (settings_.idle_w <= 0) return Duration::max();
  return after_about(load_s(model) * (settings_.load_w + settings_.wait_w) / settings_.idle_w);
}

// The ski rental's rule for a device: it draws its idle watts until the last process on it has ended, so all go at
// once, when it has drawn as much in vain as bringing all of them back would cost. That is never worse than twice the
// best that could have been done with foresight.
void Planner::plan_idle(DeviceNumber number) {
  const Device& device = devices_[number];
  if (device.models.empty() || device.coming != no_model) return;
  if (std::ranges::any_of(copies_, [number](const Copy& copy) { return copy.device == number; })) return;
  double back_joules = 0;
  bool habit = false;
  Instant since{};
  for (const ModelNumber m : device.models) {
    const Entry& entry = entries_[m];
    if (entry.where == Where::failed) continue;
    if (!idles(m)) return;
    const double saved_s = load_s(m) - (entry.where == Where::asleep ? back_s(m) : 0);
    back_joules += saved_s * (settings_.load_w + settings_.wait_w);
    habit = habit || habitual(m);
    since = std::max({since, entry.used_at, entry.since});
  }
  if (since == Instant{}) return;
  const Duration even = after_about(back_joules / settings_.idle_w);
  const Instant until = since + (habit ? std::max(even, settings_.patience) : even);
  if (now_ < until) return meet(until);
  // A sleeper's context draws as much as a ready one's: what goes for its energy ends (docs/decisions/0027).
  const std::vector<ModelNumber> models = device.models;
  for (const ModelNumber m : models)
    if (entries_[m].where != Where::failed) unload(m, Cause::unused, no_model);
}

bool Planner::habitual(ModelNumber model) const {
  const auto habit = habits_.find(model);
  if (habit == habits_.end() || !quarter_) return false;
  return habit->second.likely(*quarter_) >= settings_.habit_least ||
         (!quarter_->last() && habit->second.likely(quarter_->next()) >= settings_.habit_least);
}

}  // namespace faelled::residency
