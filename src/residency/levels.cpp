// Planner's levels of sleep, as vLLM counts them. 1: the weights lie in the memory behind the device, and waking copies
// them back. 2: nobody has them, they take no memory, and waking reads them from the disk again; of a load that saves
// the start of the process. See docs/decisions/0032-level-2.md.
#include <algorithm>
#include <utility>

#include "base/seconds.hpp"
#include "residency/average.hpp"
#include "residency/planner.hpp"

namespace faelled::residency {

double Planner::wake_s(ModelNumber model) const {
  const Entry& entry = entries_[model];
  if (entry.wake_s > 0) return entry.wake_s;
  return seconds(settings_.wake_least) + static_cast<double>(entry.sleep_bytes) / settings_.wake_bytes_per_s;
}

double Planner::reload_s(ModelNumber model) const {
  const Entry& entry = entries_[model];
  if (entry.reload_s > 0) return entry.reload_s;
  return seconds(settings_.wake_least) + reading_.seconds_of(entry.sleep_bytes);
}

// Of one that sleeps or will.
double Planner::back_s(ModelNumber model) const { return entries_[model].level == 2 ? reload_s(model) : wake_s(model); }

// From where it is now until it can be asked.
double Planner::comes_s(ModelNumber model) const {
  const Where where = entries_[model].where;
  return where == Where::asleep || where == Where::falling_asleep || where == Where::waking ? back_s(model)
                                                                                            : load_s(model);
}

// A start that takes no longer than reading the weights makes it pointless.
bool Planner::can_forget(ModelNumber model) const {
  const Entry& entry = entries_[model];
  return entry.forgets && !entry.forgot_in_vain && can_sleep(entry, entry.device) && reload_s(model) < load_s(model);
}

// How deep it would sleep now: at level 1 where its weights have room or are worth more there than what has it. None:
// it ends. An operator's order stops others before that.
std::optional<Planner::Rest> Planner::rest(ModelNumber model, bool ordered) const {
  const Entry& entry = entries_[model];
  if (!can_sleep(entry, entry.device) || entry.taken <= residue(model)) return std::nullopt;
  if (auto stopped = bed(model, false)) return Rest{1, std::move(*stopped)};
  if (can_forget(model)) return Rest{2, {}};
  if (!ordered) return std::nullopt;
  auto stopped = bed(model, true);
  return stopped ? std::optional(Rest{1, std::move(*stopped)}) : std::nullopt;
}

bool Planner::may_sleep(ModelNumber model) const {
  return known(model) && entries_[model].where == Where::ready && rest(model, true).has_value();
}

// It sleeps no longer: it is ready, or its process is not the one that slept.
void Planner::got_up(ModelNumber model, bool ready) {
  Entry& entry = entries_[model];
  if (entry.where == Where::waking && !ready) {
    entry.forgot_in_vain |= entry.level == 2;
  } else if (entry.where == Where::waking) {
    const double took_s = std::max(1e-3, seconds(now_ - entry.since));
    average(entry.level == 2 ? entry.reload_s : entry.wake_s, took_s);
    if (entry.level == 2) reading_.read(entry.sleep_bytes, took_s);
  }
  back(model, 0);
  entry.level = 0;
}

}  // namespace faelled::residency
