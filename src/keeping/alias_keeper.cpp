#include "keeping/alias_keeper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace faelled::keeping {
namespace {

using gateway::CatalogueAdapter;
using gateway::MovingAlias;

constexpr auto tries_left_out_every = std::chrono::seconds(5);
constexpr auto tries_broken_again_after = std::chrono::minutes(5);  // as late as the planner does

std::uint32_t ready_engines(const rpc::ModelResidency& model) {
  const auto copies = std::ranges::count(model.copies, rpc::EngineState::ready, &rpc::ModelCopy::state);
  return static_cast<std::uint32_t>(copies) + (model.state == rpc::EngineState::ready ? 1 : 0);
}

bool is_away(const rpc::ModelResidency& model) {
  using enum rpc::EngineState;
  return model.state == absent || model.state == asleep || model.state == draining;
}

// It went for others, and not because nobody wanted it or because somebody said so.
bool made_room(const rpc::ModelResidency& model) {
  using enum rpc::ResidencyCause;
  return model.cause == makes_room || model.cause == line_empty || model.cause == turn_over || model.cause == keeps;
}

}  // namespace

bool fit_together(const rpc::ModelResidency& one, const rpc::ModelResidency& other,
                  const std::vector<rpc::DeviceResidency>& devices) {
  if (one.bytes == 0 || other.bytes == 0 || one.kind != other.kind) return true;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (!suits(one, devices[i]) || devices[i].bytes < one.bytes) continue;
    if (devices[i].bytes >= one.bytes + other.bytes) return true;
    for (std::size_t k = 0; k < devices.size(); ++k)
      if (k != i && suits(other, devices[k]) && devices[k].bytes >= other.bytes) return true;
  }
  return false;
}

AliasKeeper::AliasKeeper(net::Loop& loop, gateway::Catalogue& catalogue, rpc::ResidencyPort& residency,
                         observe::Log& log, Keep keep, Duration look_every)
    : catalogue_(catalogue),
      residency_(residency),
      log_(log),
      keep_(std::move(keep)),
      look_every_(look_every),
      looking_(loop, [this] { look(); }) {}

std::optional<MovingAlias> AliasKeeper::read(const store::NamedRow& row) {
  auto alias = portal::read_alias(row.name, row.value);
  if (!alias) {
    log_.error("a stored alias cannot be read", {{"alias", row.name}});
    left_out_[row.name] = {{}, "what is stored of it cannot be read", "Det, der er gemt om det, kan ikke læses."};
    last_version_[row.name] = row.version;
  }
  return alias;
}

void AliasKeeper::restore(const std::vector<store::NamedRow>& rows) {
  for (const store::NamedRow& row : rows) {
    const std::string& name = row.name;
    auto alias = read(row);
    if (!alias) continue;
    last_version_[name] = alias->version;
    if (alias->model.empty()) continue;
    // Memories are known once the loop runs: whether it fits is seen then.
    if (auto may = catalogue_.may_point(*alias); !may) {
      leave_out(std::move(*alias), may.error());
      continue;
    }
    if (!alias->moving_to.empty()) undecided_.insert(name);
    (void)catalogue_.point(std::move(*alias));
  }
  if (!undecided_.empty()) looking_.arm({});
}

void AliasKeeper::hear(const std::vector<store::NamedRow>& rows) {
  for (const store::NamedRow& row : rows) {
    if (row.version <= last_version(row.name)) continue;
    auto alias = read(row);
    if (!alias) continue;
    log_.info("another server moved an alias",
              {{"alias", row.name}, {"model", alias->model}, {"version", row.version}});
    if (alias->model.empty()) {
      remove(row.name);
      last_version_[row.name] = row.version;
    } else {
      move(std::move(*alias));
    }
  }
  try_left_out();
}

// Until its models are here; what it meant before, it means meanwhile.
void AliasKeeper::leave_out(MovingAlias alias, const Error& why) {
  log_.error("an alias is left out", {{"alias", alias.name}, {"detail", why.message}});
  const std::string& lacking = catalogue_.base_of(alias.model).empty() ? alias.model : alias.moving_to;
  left_out_[alias.name] = {alias.model, why.message,
                           why.code == Errc::exists ? "Navnet hører allerede til en model."
                                                    : fmt::format("Der er ingen model, der hedder '{}'.", lacking),
                           alias};
  const std::string name = alias.name;
  to_come_.insert_or_assign(name, std::move(alias));
  if (!looking_.armed()) looking_.arm(tries_left_out_every);
}

void AliasKeeper::try_left_out() {
  for (const auto& [name, alias] : std::map(to_come_))
    if (to_come_.contains(name) && catalogue_.may_point(alias)) move(alias);
}

Expected<void> AliasKeeper::may_move(const MovingAlias& alias) const {
  if (auto may = catalogue_.may_point(alias); !may) return may;
  const std::string& target = alias.moving_to.empty() ? alias.model : alias.moving_to;
  const auto found = lies(target);
  if (found && !found->fits)
    return fail(Errc::invalid, "the model '" + target + "' does not fit: " + found->detail,
                "choose a smaller one, or give models more memory");
  return {};
}

void AliasKeeper::move(MovingAlias alias) {
  forget_order(alias.name, alias.moving_to);
  undecided_.erase(alias.name);
  left_out_.erase(alias.name);
  to_come_.erase(alias.name);
  last_version_[alias.name] = alias.version;
  if (auto may = catalogue_.may_point(alias); !may) return leave_out(std::move(alias), may.error());
  if (alias.moving_to.empty()) return point(std::move(alias));
  const auto from = lies(alias.model), to = lies(alias.moving_to);
  const bool same = from && to && from->model == to->model;
  if (!from || !to || (!same && !fit_together(*from, *to, devices_beside(*from, *to)))) return arrive(std::move(alias));
  if (std::string why = order(alias, *to); !why.empty()) alias.detail = std::move(why);
  point(std::move(alias));
  look();
}

// What a move that is over had ordered is not loaded any more, unless it is already or somebody else wants it too.
void AliasKeeper::forget_order(const std::string& name, const std::string& but_for) {
  const auto order = moving_.extract(name);
  const auto& all = catalogue_.moving();
  const auto alias = all.find(name);
  if (!order || !order.mapped().done || alias == all.end()) return;
  const std::string model = catalogue_.base_of(alias->second.moving_to);
  if (model.empty() || catalogue_.base_of(but_for) == model) return;
  for (const auto& [other, its] : moving_)
    if (const auto also = all.find(other); also != all.end() && catalogue_.base_of(also->second.moving_to) == model)
      return;
  const auto lies = residency_.residency(model);
  if (lies && lies->scales && lies->taken == 0) (void)residency_.order(model, rpc::ResidencyAct::unload);
}

std::string AliasKeeper::order(const MovingAlias& alias, const rpc::ModelResidency& to) {
  using rpc::EngineState;
  Order& order = moving_[alias.name];
  const bool away = is_away(to), comes = to.state == EngineState::starting || to.state == EngineState::waking;
  order.engines = 1;
  if (to.bytes == 0 || (!comes && !away)) return {};
  if (order.done && away && !to.scales) {
    order.broke = !to.detail.empty() || to.cause == rpc::ResidencyCause::broken;
    if (order.broke && to.in_state < tries_broken_again_after)
      return to.detail.empty() ? "the engine of '" + to.model + "' has ended by itself" : to.detail;
    order.done = false;
  }
  if (order.done) return {};
  const auto ordered = residency_.order(to.model, rpc::ResidencyAct::load);
  order.done = ordered.has_value();
  return ordered ? std::string() : ordered.error().message;
}

// While it is on order nobody makes it go: then it was there, and those who want its room were not served by waiting.
bool AliasKeeper::had_to_go(const MovingAlias& alias, const rpc::ModelResidency& to) const {
  const auto order = moving_.find(alias.name);
  return order != moving_.end() && order->second.done && !order->second.broke && is_away(to) && !to.scales &&
         to.detail.empty() && made_room(to);
}

// Less what is pinned of others.
std::vector<rpc::DeviceResidency> AliasKeeper::devices_beside(const rpc::ModelResidency& one,
                                                              const rpc::ModelResidency& other) const {
  auto devices = residency_.devices();
  for (const std::string& model : residency_.in_use()) {
    if (model == one.model || model == other.model) continue;
    const auto is = residency_.residency(model);
    if (!is || !is->pinned) continue;
    for (rpc::DeviceResidency& device : devices)
      if (device.node == is->node && device.device == is->device) device.bytes -= std::min(device.bytes, is->taken);
  }
  return devices;
}

std::optional<rpc::ModelResidency> AliasKeeper::lies(const std::string& id) const {
  return residency_.residency(catalogue_.base_of(id));
}

bool AliasKeeper::answers(const std::string& id, const rpc::ModelResidency& base) const {
  if (base.state != rpc::EngineState::ready) return false;
  const CatalogueAdapter* adapter = catalogue_.asked(id).adapter;
  return adapter == nullptr || std::ranges::find(base.adapters, adapter->name) != base.adapters.end();
}

bool AliasKeeper::to_scale(const MovingAlias& alias, const rpc::ModelResidency& to) {
  if (to.scales) return false;
  const auto from = lies(alias.model);
  const std::uint32_t wanted = from ? ready_engines(*from) : 1;
  std::uint32_t& ordered = moving_[alias.name].engines;
  if (ready_engines(to) >= wanted || ordered >= wanted) return true;
  ordered = wanted;
  residency_.scale(to.model, wanted);
  return false;
}

// In the store as it is now: it was kept as it was wished, and a move that ended meanwhile may have been kept after
// that.
void AliasKeeper::point(MovingAlias alias) {
  const std::string name = alias.name;
  const std::uint64_t version = alias.version;
  if (auto pointed = catalogue_.point(std::move(alias)); !pointed)
    return log_.error("an alias is left out", {{"alias", name}, {"detail", pointed.error().message}});
  keep_(name, version, portal::stored_alias(catalogue_.moving().find(name)->second));
}

// It means from now on what it was to mean.
void AliasKeeper::arrive(MovingAlias alias) {
  alias.previous = std::exchange(alias.model, std::exchange(alias.moving_to, {}));
  alias.detail.clear();
  moving_.erase(alias.name);
  log_.info("an alias has moved", {{"alias", alias.name}, {"model", alias.model}, {"from", alias.previous}});
  point(std::move(alias));
}

void AliasKeeper::look() {
  for (const std::string& name : std::exchange(undecided_, {}))
    if (const auto found = catalogue_.moving().find(name); found != catalogue_.moving().end())
      move(MovingAlias(found->second));
  try_left_out();
  for (const auto& [name, before] : std::map(moving_)) {
    const auto found = catalogue_.moving().find(name);
    if (found == catalogue_.moving().end()) {
      moving_.erase(name);
    } else {
      look(found->second);
    }
  }
  if (!moving_.empty()) {
    looking_.arm(look_every_);
  } else if (!to_come_.empty()) {
    looking_.arm(tries_left_out_every);
  }
}

void AliasKeeper::look(MovingAlias alias) {
  const auto to = lies(alias.moving_to);
  if (!to) {  // another server removed it meanwhile
    moving_.erase(alias.name);
    alias.detail = "there is no model or adapter '" + std::exchange(alias.moving_to, {}) + "' any more";
    return point(std::move(alias));
  }
  if (!lies(alias.model)) return arrive(std::move(alias));  // removed by a server where it had moved on already
  const bool there = answers(alias.moving_to, *to);
  if (there ? to_scale(alias, *to) : had_to_go(alias, *to)) return arrive(std::move(alias));
  if (there) return;
  std::string detail = order(alias, *to);
  if (detail.empty())
    detail = to->state == rpc::EngineState::ready ? "the engine of '" + to->model + "' does not have it" : to->detail;
  if (detail != std::exchange(alias.detail, detail)) point(std::move(alias));
}

void AliasKeeper::remove(const std::string& name) {
  const auto found = catalogue_.moving().find(name);
  const std::uint64_t here = found == catalogue_.moving().end() ? 0 : found->second.version;
  last_version_[name] = std::max(last_version(name), here) + 1;
  left_out_.erase(name);
  to_come_.erase(name);
  undecided_.erase(name);
  forget_order(name, {});
  catalogue_.unpoint(name);
}

std::uint64_t AliasKeeper::last_version(const std::string& name) const {
  const auto found = last_version_.find(name);
  return found == last_version_.end() ? 0 : found->second;
}

}  // namespace faelled::keeping
