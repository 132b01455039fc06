// What the planner says of itself, and the estimates that it decides and promises by.
#include <cmath>
#include <limits>

#include "base/seconds.hpp"
#include "residency/planner.hpp"

namespace faelled::residency {
std::optional<ModelState> Planner::model(ModelNumber number, Instant now) const {
  if (number >= entries_.size()) return std::nullopt;
  const Entry& entry = entries_[number];
  const Model& model = catalogue_[number];
  if (!entry.known && entry.where == Where::absent) return std::nullopt;
  ModelState state;
  state.where = entry.where;
  state.device = entry.device;
  state.cause = entry.cause;
  state.other = entry.other;
  state.since = entry.since;
  state.bytes = entry.outdated ? entry.taken : model.bytes;
  state.bytes_read = entry.bytes_read;
  state.taken = entry.taken;
  state.level = entry.level;
  state.asleep_soon = entry.where == Where::draining && entry.level > 0;
  state.backed = entry.bed > 0 ? entry.bed : entry.backed;
  if (state.backed > 0) state.backing = entry.backing;
  for (DeviceNumber d = 0; d < devices_.size(); ++d)
    state.can_sleep |= (entry.where == Where::absent || d == entry.device) && can_sleep(entry, d);
  if (state.can_sleep || entry.level > 0) state.wake = after_seconds(back_s(number));
  state.pinned = entry.pinned;
  state.fits = fits(number);
  state.may_be_tried = !state.fits && fits_as_said(number);
  state.retries = entry.blocked_until > now;
  state.kind = entry.kind;
  state.spreads = entry.spreads;
  state.waiting = entry.line.waiting();
  state.running = entry.line.running();
  state.scales = entry.ordered || scales(number);
  state.load = model.load;
  state.ready_in = ready_in(number, now);
  if (model.demand.ever()) state.asked_per_hour = model.demand.hour(now);
  return state;
}

std::optional<DeviceState> Planner::device(DeviceNumber device) const {
  if (device >= devices_.size()) return std::nullopt;
  const Device& d = devices_[device];
  return DeviceState{d.bytes, d.taken, d.reserved + d.beds, d.kind, d.cards};
}

std::vector<ModelNumber> Planner::in_use() const {
  std::vector<ModelNumber> all;
  for (const Device& device : devices_) {
    all.insert(all.end(), device.models.begin(), device.models.end());
    if (device.coming != no_model) all.push_back(device.coming);
  }
  std::ranges::copy_if(wanted_, std::back_inserter(all), [this](ModelNumber model) { return wanted(model); });
  return all;
}

std::optional<std::uint64_t> Planner::largest(ModelNumber model) const {
  std::optional<std::uint64_t> bytes;
  for (const Device& device : devices_)
    if (suits(model, device)) bytes = std::max(bytes.value_or(0), device.bytes);
  return bytes;
}

// Beside those that never go.
bool Planner::fits(ModelNumber model, std::uint64_t bytes, const Device& device) const {
  if (!suits(model, device)) return false;
  for (const ModelNumber m : device.models)
    if (entries_[m].pinned && m != model) bytes += entries_[m].taken;
  return bytes <= device.bytes;
}

bool Planner::fits(ModelNumber model) const {
  if (model >= entries_.size()) return false;
  if (!entries_[model].known) return true;  // nothing of ours would have to
  return std::ranges::any_of(devices_, [&](const Device& d) { return fits(model, d); });
}

bool Planner::fits_as_said(ModelNumber model) const {
  return std::ranges::any_of(devices_, [&](const Device& d) { return fits(model, entries_[model].bytes_said, d); });
}

std::optional<LoadWas> Planner::measured(ModelNumber model) const {
  if (!known(model) || !entries_[model].load_measured) return std::nullopt;
  return LoadWas{model, entries_[model].bytes_said, catalogue_[model].load};
}

double Planner::load_s(ModelNumber model) const { return seconds(catalogue_[model].load); }

// What is read for the first time since the machine began, or from a busy disk, takes several times as long as before.
// Twice as long the next time, and then four times: what is only slow comes in the end.
Instant Planner::overdue_at(ModelNumber model) const {
  const Entry& entry = entries_[model];
  const Duration load = std::max(catalogue_[model].load, entry.load_remembered ? entry.load_guess : Duration{});
  const Duration most = std::max(settings_.overdue_least, settings_.overdue_loads * load);
  return entry.since + most * (1LL << std::min(entry.failures, 2U));
}

double Planner::service_s(const Entry& entry) const {
  return seconds(entry.service > Duration::zero() ? entry.service : settings_.service_guess);
}

// Of the longest of its answers, where their lengths are exponential: the mean times 1 + 1/2 + … + 1/n.
double Planner::drain_s(const Entry& entry, const Engine& engine) const {
  double sum = 0;
  for (std::uint32_t i = 1; i <= std::min(engine.running, 64U); ++i) sum += 1.0 / i;
  return service_s(entry) * sum;
}

// Of the models that can be served at once, by what was asked for in the last minutes.
double Planner::utilisation(Instant now) const {
  constexpr double most = 0.9;
  const double known_for = offered_fades_s * (1 - std::exp(-std::max(1.0, seconds(now - began_)) / offered_fades_s));
  const double offered = offered_s_ * std::exp(-seconds(now - offered_at_) / offered_fades_s);
  return std::min(most, offered / known_for / std::max(1.0, servers()));
}

// Twice what serves the demand that gathers while models are switched, Q* = ρS / (1 − ρ).
Duration Planner::turn_most(double switch_s) const {
  const double rho = utilisation(now_);
  const double turn_s = 2 * rho * switch_s / (1 - rho);
  return std::max(settings_.turn_least, after_about(turn_s));
}

// N models that are asked for take turns on G places for models, each turn a switch: Wf = N/G × S / (1 − ρ), and half
// as much again, which the longest waits of the study kept (docs/decisions/0023).
Duration Planner::promise(Instant now) const {
  double asked_for = servers();
  for (const ModelNumber m : wanted_) asked_for += wanted(m) ? 1 : 0;
  const double turns = asked_for / std::max(1.0, servers());
  const double wait_s = 1.5 * turns * switch_s_ / (1 - utilisation(now));
  return std::max(settings_.promise_least, after_about(wait_s));
}

// Half as much again here too: a switch is known on average, and this one may take longer.
Duration Planner::promise(ModelNumber model, Instant now) const {
  return std::max(promise(now), ready_in(model, now) * 3 / 2);
}

Duration Planner::ready_in(ModelNumber number, Instant now) const {
  if (number >= entries_.size()) return {};
  const Entry& entry = entries_[number];
  constexpr double soon_s = 0.5;
  const double load = comes_s(number);
  // Where it takes longer than it was thought to, as much again as it is late: the later, the less is known.
  if (entry.where == Where::loading || entry.where == Where::waking)
    return after_about(std::max(soon_s, std::abs(load - seconds(now - entry.since))));
  if (entry.where == Where::coming || (entry.where == Where::asleep && comes(number))) {
    double drains = 0;
    for (const ModelNumber m : devices_[entry.device].models)
      if (entries_[m].other == number && entries_[m].where == Where::draining)
        drains = std::max(drains, drain_s(entries_[m], entries_[m]));
    for (const Copy& copy : copies_)
      if (copy.device == entry.device && copy.other == number && copy.where == Where::draining)
        drains = std::max(drains, drain_s(entries_[copy.model], copy));
    return after_about(drains + load);
  }
  if (entry.where == Where::falling_asleep && entry.line.waiting() > 0) return after_about(soon_s + load);
  if (!wanted(number) || !fits(number)) return {};
  const double blocked = std::max(0.0, seconds(entry.blocked_until - now));  // it has failed
  // Those that have waited longer together come first; then what is in use has its turn.
  const double waited = entry.line.waited_s(now);
  double before = 0, turn = std::numeric_limits<double>::infinity();
  for (const ModelNumber m : wanted_)
    if (m != number && entries_[m].line.waited_s(now) > waited) before += 1;
  for (DeviceNumber d = 0; d < devices_.size(); ++d) {
    const Device& device = devices_[d];
    if (device.bytes < catalogue_[number].bytes || !may_be_on(number, d)) continue;
    if (device.room() >= needs(number)) return after_about(blocked + load);
    std::uint64_t spared = 0;
    double spares = 0;
    for (const Copy& copy : copies_) {
      if (copy.device != d) continue;
      spared += copy.taken;
      spares = std::max(spares, drain_s(entries_[copy.model], copy));
    }
    if (spared > 0 && device.room() + spared >= needs(number)) turn = std::min(turn, spares);
    for (const ModelNumber m : device.models) {
      const Entry& used = entries_[m];
      if (urgent(used) || m == number) continue;
      const double drain = drain_s(used, used), switch_s = load + drain;
      const double weight = std::max(entry.line.weight(), 1e-3);
      double left = std::max(0.0, (settings_.switches_waited * switch_s - waited) / weight);
      if (used.line.waiting() > 0) left = std::max(left, seconds(used.since + turn_most(switch_s) - now));
      turn = std::min(turn, left + drain);
    }
  }
  if (std::isinf(turn)) return {};
  const auto servers = static_cast<double>(
      std::max<std::ptrdiff_t>(1, std::ranges::count_if(devices_, [&](const Device& d) { return suits(number, d); })));
  return after_about(std::max(turn, blocked) + load + before / servers * (switch_s_ + seconds(settings_.turn_least)));
}

}  // namespace faelled::residency
