// Planner's further engines of a model: when one comes, where it lies, and when it goes. The first engine of a model
// and its copies are alike, so where one has to go it is the one that is in the way, and a copy takes the first's part.
#include <cmath>
#include <utility>

#include "base/seconds.hpp"
#include "residency/planner.hpp"

namespace faelled::residency {
namespace {

constexpr double forgotten_s =
    300;  // what was waited long ago, or after a time that justifies a copy if that is longer

}  // namespace

// --- what is known ---

Planner::Copy* Planner::copy_on(ModelNumber model, DeviceNumber device) {
  const auto found =
      std::ranges::find_if(copies_, [&](const Copy& c) { return c.model == model && c.device == device; });
  return found == copies_.end() ? nullptr : &*found;
}

const Planner::Copy* Planner::copy_on(ModelNumber model, DeviceNumber device) const {
  const auto found =
      std::ranges::find_if(copies_, [&](const Copy& c) { return c.model == model && c.device == device; });
  return found == copies_.end() ? nullptr : &*found;
}

Planner::Crowd* Planner::crowd_of(ModelNumber model) {
  const auto found = std::ranges::find(crowds_, model, &Crowd::model);
  return found == crowds_.end() ? nullptr : &*found;
}

bool Planner::scales(ModelNumber model) const {
  return std::ranges::any_of(crowds_, [&](const Crowd& c) { return c.model == model && c.ordered > 0; });
}

EngineFacts Planner::engine(ModelNumber model, DeviceNumber device) const {
  if (const Copy* copy = copy_on(model, device)) return facts(*copy);
  return model < entries_.size() && entries_[model].device == device ? facts(entries_[model]) : EngineFacts{};
}

std::vector<EngineFacts> Planner::copies(ModelNumber model) const {
  std::vector<EngineFacts> all;
  for (const Copy& c : copies_)
    if (c.model == model) all.push_back(facts(c));
  return all;
}

std::uint32_t Planner::ready_copies(ModelNumber model) const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(copies_, [&](const Copy& c) { return c.model == model && c.where == Where::ready; }));
}

// Those that work or will, its first among them.
std::uint32_t Planner::live_engines(ModelNumber model) const {
  return 1 + static_cast<std::uint32_t>(std::ranges::count_if(copies_, [&](const Copy& c) {
           return c.model == model && (c.where == Where::ready || c.where == Where::loading);
         }));
}

// One loads or goes, or room is being made for one.
bool Planner::further_comes(ModelNumber model) const {
  return std::ranges::any_of(copies_, [&](const Copy& c) { return c.model == model && c.where != Where::ready; }) ||
         std::ranges::any_of(devices_, [&](const Device& d) { return d.further && d.coming == model; });
}

// Who waits for it waits for a place.
bool Planner::full(ModelNumber model) const {
  const Entry& entry = entries_[model];
  return entry.where == Where::ready && entry.line.waiting() > 0 &&
         entry.line.running() >= entry.places * (1 + ready_copies(model));
}

// Its first engine may go like a copy: there is another.
bool Planner::spare(ModelNumber model) const {
  const Entry& entry = entries_[model];
  return entry.where == Where::ready && !urgent(entry) && ready_copies(model) > 0;
}

// What a further engine is worth: as much waiting as makes a used model yield to an absent one.
double Planner::further_s(ModelNumber model) const { return settings_.switches_waited * load_s(model); }

// Unused for so long that it can make room for what is not needed to serve anybody at all: else it would come back
// only to be thrown out again.
bool Planner::rested(ModelNumber model) {
  const Entry& entry = entries_[model];
  if (habitual(model)) return false;
  const Duration rests = std::max(settings_.turn_least, after_about(further_s(model)));
  const Instant until = std::max(entry.used_at, entry.since) + rests;
  meet(until);
  return now_ >= until;
}

// By device: an absent model is waited for that could be there.
std::vector<bool> Planner::waited_for() const {
  std::vector<bool> all(devices_.size());
  for (const ModelNumber m : wanted_)
    for (DeviceNumber d = 0; d < devices_.size(); ++d)
      if (!all[d] && wanted(m) && may_be_on(m, d) && fits(m, devices_[d])) all[d] = true;
  return all;
}

// --- whose line is too long ---

void Planner::crowd(ModelNumber model) {
  if (entries_[model].copies > 1 && full(model) && crowd_of(model) == nullptr)
    crowds_.push_back({.model = model, .at = now_, .needed = now_});
}

void Planner::on(const Scale& scale) {
  if (!known(scale.model)) return;
  Crowd* crowd = crowd_of(scale.model);
  if (crowd == nullptr) crowd = &crowds_.emplace_back(Crowd{.model = scale.model, .at = now_, .needed = now_});
  crowd->ordered = scale.engines;
}

// Little by little, so that a line that is never quite empty counts in the end, and one of long ago does not.
void Planner::gather(Crowd& crowd) {
  const double tau = std::max(forgotten_s, further_s(crowd.model));
  const double kept = std::exp(-seconds(now_ - crowd.at) / tau);
  crowd.waited_s = crowd.waited_s * kept + crowd.grows * tau * (1 - kept);
  crowd.at = now_;
}

void Planner::plan_copies() {
  for (std::size_t i = copies_.size(); i-- > 0;)
    if (copies_[i].where == Where::draining && copies_[i].running == 0)
      unload_copy(copies_[i], copies_[i].cause, copies_[i].other);
  std::vector<bool> closed;
  for (Crowd& crowd : crowds_) {
    if (crowd.ordered > 0) plan_ordered(crowd, closed);
    plan_fewer(crowd);
    // As much as a load is worth takes at least as long as a load: a line that is gone sooner needs none.
    const bool grows = full(crowd.model);
    crowd.grows = grows ? std::min(entries_[crowd.model].line.weight(), settings_.switches_waited) : 0;
    if (grows) plan_further(crowd, closed);
  }
  std::erase_if(crowds_, [this](const Crowd& c) {
    return c.ordered == 0 && c.grows == 0 && c.waited_s < 0.01 * further_s(c.model) && c.blocked_until <= now_ &&
           std::ranges::find(copies_, c.model, &Copy::model) == copies_.end();
  });
}

// One goes when for a while the others would have been enough, as long as a load is worth: whoever comes back soon
// finds it still there.
void Planner::plan_fewer(Crowd& crowd) {
  const ModelNumber model = crowd.model;
  const Entry& entry = entries_[model];
  Copy* least = nullptr;
  for (Copy& copy : copies_)
    if (copy.model == model && copy.where == Where::ready && (least == nullptr || copy.running <= least->running))
      least = &copy;
  if (least == nullptr) return;
  const std::uint32_t others = entry.places * ready_copies(model);
  if (entry.line.waiting() + entry.line.running() > others) crowd.needed = now_;
  Duration stays = std::max(settings_.turn_least, after_about(further_s(model)));
  if (entry.line.empty()) stays = std::min(stays, idle_most(model));
  const Instant until = crowd.needed + stays;
  meet(until);
  if (now_ < until && live_engines(model) <= entry.copies) return;
  crowd.needed = now_;
  drain_copy(*least, Cause::enough, no_model);
}

// Into free memory, or where those lie that nobody has used for long; never where an absent model is waited for.
void Planner::plan_further(Crowd& crowd, std::vector<bool>& closed) {
  const ModelNumber model = crowd.model;
  if (further_comes(model) || live_engines(model) >= entries_[model].copies) return;  // one at a time
  const double enough = further_s(model), tau = std::max(forgotten_s, enough), limit = crowd.grows * tau;
  if (crowd.waited_s < enough) {
    if (limit > enough) meet(now_ + after_about(tau * std::log((limit - crowd.waited_s) / (limit - enough))) + 1us);
    return;
  }
  if (crowd.blocked_until > now_) return meet(crowd.blocked_until);
  (void)place_further(model, closed);
}

// As many as were ordered, one at a time.
void Planner::plan_ordered(Crowd& crowd, std::vector<bool>& closed) {
  const ModelNumber model = crowd.model;
  Entry& entry = entries_[model];
  crowd.needed = entry.used_at = now_;  // nobody has been able to ask for it
  if (entry.where == Where::ready) {
    if (further_comes(model)) return;
    const bool more = live_engines(model) < std::min(crowd.ordered, entry.copies);
    if (more && crowd.blocked_until <= now_ && place_further(model, closed)) return;
  }
  crowd.ordered = 0;
}

// Whether it comes, or will once others have gone.
bool Planner::place_further(ModelNumber model, std::vector<bool>& closed) {
  const Entry& entry = entries_[model];
  if (closed.empty()) closed = waited_for();
  const std::uint64_t bytes = catalogue_[model].bytes;
  const auto open = [&](DeviceNumber d) {
    return !closed[d] && d != entry.device && suits(model, devices_[d]) && copy_on(model, d) == nullptr;
  };
  std::optional<DeviceNumber> best;
  for (DeviceNumber d = 0; d < devices_.size(); ++d)
    if (open(d) && devices_[d].room() >= bytes && (!best || devices_[d].room() < devices_[*best].room())) best = d;
  if (best) {
    load_copy(model, *best);
    return true;
  }
  std::optional<Sacrifice> least;
  for (DeviceNumber d = 0; d < devices_.size(); ++d) {
    if (!open(d) || devices_[d].coming != no_model) continue;
    for (const bool sleep : {true, false}) {
      auto found = sacrifice(d, model, Reach::rested, sleep);
      if (found && (!least || found->worth < least->worth)) least = std::move(found);
    }
  }
  if (!least) return false;
  Device& device = devices_[least->device];
  device.coming = model;
  device.further = true;
  device.reserved = bytes;
  for (const ModelNumber m : least->models) leave(m, least->device, Cause::makes_room, model, least->sleep);
  go_on(least->device);
  return true;
}

// --- what is carried out ---

// Whoever is asked to leave a device: a copy, the first engine where another takes its part, or the model itself.
void Planner::leave(ModelNumber model, DeviceNumber device, Cause cause, ModelNumber other, bool sleep) {
  const Cause spared = other == no_model ? cause : Cause::spare;
  Copy* copy = copy_on(model, device);
  if (copy != nullptr && (copy->where == Where::ready || copy->where == Where::loading))
    return drain_copy(*copy, spared, other);
  if (entries_[model].device == device && spare(model)) {
    copy = &*std::ranges::find_if(copies_, [&](const Copy& c) { return c.model == model && c.where == Where::ready; });
    swap_first(*copy);
    return drain_copy(*copy, spared, other);
  }
  if (sleep) {
    yield(model, cause, other);
  } else {
    drain(model, cause, other);
  }
}

void Planner::load_copy(ModelNumber model, DeviceNumber device) {
  Copy copy;
  copy.model = model;
  copy.device = device;
  copy.number = ++engines_begun_;
  ++counts_.loads;
  ++counts_.copies;
  const Cause cause = scales(model) ? Cause::ordered : Cause::busy;
  take(copy, catalogue_[model].bytes);
  enter(copy, Where::loading, cause);
  copies_.push_back(copy);
  if (Crowd* crowd = crowd_of(model)) crowd->waited_s = 0;  // the next one is to be waited for anew
  actions_.emplace_back(Load{model, device, cause});
}

void Planner::unload_copy(Copy& copy, Cause cause, ModelNumber other) {
  enter(copy, Where::unloading, cause, other);
  actions_.emplace_back(Unload{copy.model, cause, other, copy.device});
}

void Planner::drain_copy(Copy& copy, Cause cause, ModelNumber other) {
  if (copy.where == Where::unloading) return;
  if (copy.where == Where::draining) {
    if (other == no_model) enter(copy, Where::draining, cause);  // nobody calls it back any more
    return;
  }
  if (copy.running == 0) return unload_copy(copy, cause, other);
  enter(copy, Where::draining, cause, other);
  actions_.emplace_back(Drain{copy.model, cause, other, copy.device});
}

void Planner::drain_copies(ModelNumber model, Cause cause, ModelNumber other) {
  for (Copy& copy : copies_)
    if (copy.model == model) drain_copy(copy, cause, other);
}

// The copy is the first engine from now on, and the first one a copy.
void Planner::swap_first(Copy& copy) {
  Entry& entry = entries_[copy.model];
  if (entry.taken > 0) std::erase(devices_[entry.device].models, copy.model);
  std::swap(static_cast<Engine&>(entry), static_cast<Engine&>(copy));
  devices_[entry.device].models.push_back(copy.model);
}

// The first engine has failed, has gone or is begun anew: a copy takes its part.
void Planner::promote(ModelNumber model) {
  Entry& entry = entries_[model];
  const bool gone = entry.where == Where::absent;
  auto copy = std::ranges::find_if(copies_, [&](const Copy& c) { return c.model == model && c.where == Where::ready; });
  if (copy == copies_.end() && gone)
    copy = std::ranges::find_if(copies_, [&](const Copy& c) { return c.model == model && c.where == Where::loading; });
  if (copy == copies_.end()) return;
  swap_first(*copy);
  if (entry.where == Where::ready) entry.ordered = false;
  entry.failures = 0;
  entry.blocked_until = {};
  if (copy->where == Where::failed) {
    fail_copy(model);
    unload_copy(*copy, Cause::broken, no_model);
  }
  if (gone) copies_.erase(copy);
}

void Planner::copy_is(Copy& copy, const EngineIs& is) {
  const bool stays = copy.where == Where::loading || copy.where == Where::ready;
  Model& model = catalogue_[copy.model];
  if (is.bytes_read > copy.taken) {
    take(copy, is.bytes_read);
    if (stays) model.bytes = std::max(model.bytes, is.bytes_read);
  }
  if (!stays) return;
  if (is.state == EngineState::ready && copy.where == Where::loading) {
    enter(copy, Where::ready, copy.cause);
    copy.used_at = now_;
    if (Crowd* crowd = crowd_of(copy.model)) {
      crowd->failures = 0;
      crowd->needed = now_;
    }
    if (entries_[is.model].where != Where::ready) promote(is.model);
  } else if (is.state == EngineState::failed) {
    fail_copy(copy.model);
    unload_copy(copy, Cause::broken, no_model);
  } else if (is.state == EngineState::loading && copy.where == Where::ready) {
    enter(copy, Where::loading, Cause::broken);
  }
}

void Planner::copy_gone(Copy& copy) {
  if (copy.where == Where::loading || copy.where == Where::ready) fail_copy(copy.model);
  take(copy, 0);
  copies_.erase(copies_.begin() + (&copy - copies_.data()));
}

// The model is served as it was: only its next copy has to wait.
void Planner::fail_copy(ModelNumber model) {
  Crowd* crowd = crowd_of(model);
  if (crowd == nullptr) return;
  const auto doublings = std::min(crowd->failures++, 16U);
  crowd->blocked_until = now_ + std::min<Duration>(settings_.retry_first * (1LL << doublings), settings_.retry_most);
}

}  // namespace faelled::residency
