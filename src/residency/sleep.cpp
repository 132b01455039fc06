// Planner's sleepers: who falls asleep, where their weights lie, and who leaves that memory for them. One score for
// both memories: what it would cost to have a model back as it was, by the byte that is freed (worth.hpp). How deep
// they sleep is in levels.cpp.
#include <algorithm>
#include <utility>

#include "base/seconds.hpp"
#include "residency/pack.hpp"
#include "residency/planner.hpp"

namespace faelled::residency {

bool Planner::can_sleep(const Entry& entry, DeviceNumber device) const {
  return entry.sleep_bytes > 0 && !entry.sleepless && !entry.outdated && devices_[device].backing < devices_.size();
}

// Of its device, while it sleeps.
std::uint64_t Planner::residue(ModelNumber model) const {
  return std::clamp<std::uint64_t>(entries_[model].residue, 1, catalogue_[model].bytes);
}

// Of a device, beside what it takes there already.
std::uint64_t Planner::needs(ModelNumber model) const {
  const Entry& entry = entries_[model];
  const std::uint64_t bytes = catalogue_[model].bytes;
  return entry.where == Where::asleep ? bytes - std::min(bytes, entry.taken) : bytes;
}

// Of its device, by what it is about to do.
std::uint64_t Planner::frees(ModelNumber model) const {
  const Entry& entry = entries_[model];
  if (entry.where == Where::falling_asleep || (entry.where == Where::draining && entry.level > 0))
    return entry.taken - std::min(entry.taken, residue(model));
  return entry.where == Where::unloading || entry.where == Where::draining ? entry.taken : 0;
}

// Models that are there to be asked, or nearly so.
double Planner::servers() const {
  double all = 0;
  for (const Device& device : devices_)
    for (const ModelNumber m : device.models) all += entries_[m].where == Where::asleep ? 0 : 1;
  return all + static_cast<double>(copies_.size());
}

// Nobody waits for it, so that it may be stopped.
bool Planner::sleeps_unwanted(ModelNumber model) const {
  const Entry& entry = entries_[model];
  return entry.where == Where::asleep && entry.line.waiting() == 0 && !urgent(entry);
}

// It is waited for, but less than another that is absent, or it can never be woken.
bool Planner::sleeps_behind(ModelNumber model, ModelNumber wanted) const {
  const Entry& entry = entries_[model];
  return entry.where == Where::asleep && !entry.pinned && !comes(model) && (is_before(wanted, model) || !fits(model));
}

// What is lost with it. One that was loaded ahead is worth as much as one that has just been asked for, until the
// quarter is over for which it came: by its last request it would be the first to go.
double Planner::keeping(ModelNumber number, double lost_s, std::uint64_t frees) const {
  Model model = catalogue_[number];
  const Entry& entry = entries_[number];
  if (entry.warmed && now_ - entry.since < Quarter::takes) model.demand.asked(now_);
  // Recency alone cannot tell one that would sleep from one that would have to be loaded anew.
  const Weighing& followed = tuner_.weighing();
  const Weighing& by = followed.recency && some_sleep_ ? where_some_sleep : followed;
  return worth(model, std::max(0.0, lost_s), std::max<std::uint64_t>(frees, 1), by, now_);
}

// Who would have to be stopped so that its weights have room behind its device: nobody, or sleepers that are worth
// less. An operator's order stops others too. None: there is no room for them.
std::optional<std::vector<ModelNumber>> Planner::bed(ModelNumber model, bool ordered) const {
  const Entry& entry = entries_[model];
  const Device& backing = devices_[devices_[entry.device].backing];
  if (backing.room() >= entry.sleep_bytes) return std::vector<ModelNumber>();
  // Without its weights there: those that lie there end, and it may forget its own.
  const auto worth_there = [this](ModelNumber m, double without_s, std::uint64_t bytes) {
    return keeping(m, without_s - wake_s(m), bytes);
  };
  const double own = worth_there(model, can_forget(model) ? reload_s(model) : load_s(model), entry.sleep_bytes);
  std::vector<std::pair<double, ModelNumber>> less;
  for (const ModelNumber m : backing.sleepers) {
    if (m == model || !sleeps_unwanted(m)) continue;
    if (const double w = worth_there(m, load_s(m), entries_[m].backed); ordered || w < own) less.emplace_back(w, m);
  }
  std::ranges::sort(less);
  std::vector<std::uint64_t> bytes;
  for (const auto& one : less) bytes.push_back(entries_[one.second].backed);
  const auto go = pack(bytes, backing.room(), entry.sleep_bytes);
  if (!go) return std::nullopt;
  std::vector<ModelNumber> stopped;
  for (const std::size_t i : *go) stopped.push_back(less[i].second);
  return stopped;
}

// Who could leave a memory: further engines, the unused, those that yield to `wanted`, and sleepers, by what they keep
// of it. `sleep`: whoever can sleeps instead of ending, which frees less and costs less.
std::vector<Planner::Leaver> Planner::leavers(DeviceNumber number, ModelNumber wanted, Reach reach, bool sleep) {
  std::vector<Leaver> all;
  const auto add = [&](ModelNumber m, double drain, double lost_s, std::uint64_t frees) {
    if (frees == 0 || (reach == Reach::rested && !rested(m))) return;
    all.push_back({true, drain, keeping(m, lost_s, frees), m, frees});
  };
  const auto add_spare = [&](ModelNumber m, const Engine& engine) {
    if (reach != Reach::rested) all.push_back({false, drain_s(entries_[m], engine), 0, m, engine.taken});
  };
  for (const Copy& copy : copies_)
    if (copy.device == number && (copy.where == Where::ready || copy.where == Where::loading))
      add_spare(copy.model, copy);
  if (reach == Reach::spare) {
    for (const ModelNumber m : devices_[number].models)
      if (spare(m)) add_spare(m, entries_[m]);
    return all;
  }
  const auto stops = [&](ModelNumber m) {
    return sleeps_unwanted(m) || (reach == Reach::sleepers && sleeps_behind(m, wanted));
  };
  for (const ModelNumber m : devices_[number].models) {
    const Entry& entry = entries_[m];
    if (m == wanted) continue;
    if (spare(m)) {
      add_spare(m, entry);
      continue;
    }
    if (stops(m)) {
      add(m, 0, load_s(m) - back_s(m), entry.taken);
      continue;
    }
    const bool free = unused(entry);
    if (!free && !(reach >= Reach::used && wanted != no_model && yields(m, wanted))) continue;
    const double drain = free ? 0 : drain_s(entry, entry);
    const auto rests = sleep && entry.where == Where::ready ? rest(m, false) : std::nullopt;
    if (entry.where == Where::failed) {
      add(m, drain, 0, entry.taken);
    } else if (rests) {
      add(m, drain, rests->level == 2 ? reload_s(m) : wake_s(m), entry.taken - std::min(entry.taken, residue(m)));
    } else {
      add(m, drain, load_s(m), entry.taken);
    }
  }
  for (const ModelNumber m : devices_[number].sleepers)
    if (m != wanted && stops(m)) add(m, 0, load_s(m) - back_s(m), entries_[m].backed);
  return all;
}

// It sleeps where nobody makes room for it, another memory has room, and loading it there is quicker than waiting.
bool Planner::moves(ModelNumber model) const {
  const Entry& entry = entries_[model];
  if (entry.where != Where::asleep) return false;
  const bool never_here = !fits(model, devices_[entry.device]);
  bool room = false;
  for (DeviceNumber d = 0; d < devices_.size(); ++d)
    room |= d != entry.device && suits(model, devices_[d]) &&
            (devices_[d].room() >= catalogue_[model].bytes || (never_here && fits(model, devices_[d])));
  if (!room || never_here) return room;
  const Duration here = ready_in(model, now_);
  return here == Duration::zero() || load_s(model) < seconds(here);
}

// --- what is carried out ---

// It goes once its answers have ended: asleep where it can, else for good.
void Planner::yield(ModelNumber model, Cause cause, ModelNumber other) {
  Entry& entry = entries_[model];
  const auto rests = entry.where == Where::ready ? rest(model, cause == Cause::ordered) : std::nullopt;
  if (!rests) return drain(model, cause, other);
  drain_copies(model, cause, other);
  entry.level = rests->level;
  if (entry.level == 1) {
    entry.backing = devices_[entry.device].backing;
    entry.bed = entry.sleep_bytes;
    devices_[entry.backing].beds += entry.bed;
  }
  for (const ModelNumber m : rests->stopped) unload(m, Cause::makes_room, model);
  enter(entry, Where::draining, cause, other);
  if (entry.running == 0 && rests->stopped.empty()) return settle(model);
  actions_.emplace_back(Drain{model, cause, other, entry.device});
}

// Nothing runs on it any more.
void Planner::settle(ModelNumber model) {
  Entry& entry = entries_[model];
  if (entry.level == 0) return unload(model, entry.cause, entry.other);
  if (entry.level == 2) return sleep(model);
  const Device& backing = devices_[entry.backing];
  if (backing.taken + entry.bed <= backing.bytes) return sleep(model);
  const auto goes = [&](ModelNumber m) {
    const Where where = entries_[m].where;
    return where == Where::unloading || where == Where::draining || where == Where::falling_asleep ||
           where == Where::waking;
  };
  if (std::ranges::any_of(backing.models, goes) || std::ranges::any_of(backing.sleepers, goes)) return;
  // The room that was counted on does not come: somebody took more than was known.
  stay_up(model);
  if (!can_forget(model)) return unload(model, entry.cause, entry.other);
  entry.level = 2;
  sleep(model);
}

void Planner::sleep(ModelNumber model) {
  Entry& entry = entries_[model];
  if (const std::uint64_t bytes = std::exchange(entry.bed, 0); bytes > 0) {
    devices_[entry.backing].beds -= bytes;
    back(model, bytes);
  }
  entry.warmed = entry.begun_anew = false;
  ++counts_.sleeps;
  counts_.forgets += entry.level == 2 ? 1 : 0;
  enter(entry, Where::falling_asleep, entry.cause, entry.other);
  actions_.emplace_back(Sleep{model, entry.cause, entry.other, entry.device, entry.level});
}

// Its engine says so. What it still holds is believed, and one that gave back less than half of what it should have is
// stopped, and not put to sleep again: answered with 200 is not asleep (vllm#32714, #47654).
void Planner::fell_asleep(const EngineIs& is) {
  Entry& entry = entries_[is.model];
  if (entry.where != Where::falling_asleep && entry.where != Where::asleep) return;
  const std::uint64_t before = entry.bytes_read > 0 ? entry.bytes_read : entry.taken;
  const std::uint64_t promised = before - std::min(before, residue(is.model));
  const bool falls = entry.where == Where::falling_asleep;
  const std::uint64_t kept = std::max(falls ? residue(is.model) : entry.taken, is.bytes_read);
  take(is.model, kept);
  if (is.bytes_read > 0) entry.residue = std::max(entry.residue, is.bytes_read);
  if (kept > catalogue_[is.model].bytes) entry.bytes_read = catalogue_[is.model].bytes = kept;
  if (falls) enter(entry, Where::asleep, entry.cause, entry.other);
  const std::uint64_t freed = before - std::min(before, is.bytes_read);
  if (is.bytes_read > 0 && 2 * freed < promised) {
    entry.sleepless = true;
    return unload(is.model, Cause::keeps, entry.other);
  }
  list(is.model);
}

void Planner::wake(ModelNumber model, Cause cause) {
  Entry& entry = entries_[model];
  entry.at_start = entry.to_sleep = false;
  entry.warmed = cause == Cause::habit;
  ++counts_.wakes;
  counts_.warmed += entry.warmed ? 1 : 0;
  take(model, std::max(entry.taken, catalogue_[model].bytes));
  enter(entry, Where::waking, cause);
  actions_.emplace_back(Wake{model, cause, entry.device});
}

void Planner::wake_or_load(ModelNumber model, DeviceNumber device, Cause cause) {
  if (entries_[model].where == Where::asleep) return wake(model, cause);
  load(model, device, cause);
}

// What it takes of the memory behind its device.
void Planner::back(ModelNumber model, std::uint64_t bytes) {
  Entry& entry = entries_[model];
  if (entry.backed == bytes) return;
  Device& backing = devices_[entry.backing];
  backing.taken += bytes - entry.backed;
  if (entry.backed == 0) backing.sleepers.push_back(model);
  if (bytes == 0) std::erase(backing.sleepers, model);
  entry.backed = bytes;
}

// It was to fall asleep, and will not.
void Planner::stay_up(ModelNumber model) {
  Entry& entry = entries_[model];
  entry.level = 0;
  if (entry.bed > 0) devices_[entry.backing].beds -= std::exchange(entry.bed, 0);
}

}  // namespace faelled::residency
