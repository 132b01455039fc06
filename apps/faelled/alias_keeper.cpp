#include "alias_keeper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace faelled::app {
namespace {

using gateway::CatalogueAdapter;
using gateway::MovingAlias;

constexpr auto look_every = std::chrono::milliseconds(200);

std::uint32_t ready_engines(const rpc::ModelResidency& model) {
  const auto copies = std::ranges::count(model.copies, rpc::EngineState::ready, &rpc::ModelCopy::state);
  return static_cast<std::uint32_t>(copies) + (model.state == rpc::EngineState::ready ? 1 : 0);
}

}  // namespace

bool fit_together(const rpc::ModelResidency& one, const rpc::ModelResidency& other,
                  const std::vector<rpc::DeviceResidency>& devices) {
  if (one.bytes == 0 || other.bytes == 0 || one.kind != other.kind) return true;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (devices[i].kind != one.kind || devices[i].bytes < one.bytes) continue;
    if (devices[i].bytes >= one.bytes + other.bytes) return true;
    for (std::size_t k = 0; k < devices.size(); ++k)
      if (k != i && devices[k].kind == other.kind && devices[k].bytes >= other.bytes) return true;
  }
  return false;
}

AliasKeeper::AliasKeeper(net::Loop& loop, gateway::Catalogue& catalogue, rpc::ResidencyPort& residency,
                         observe::Log& log, Keep keep)
    : catalogue_(catalogue), residency_(residency), log_(log), keep_(std::move(keep)), looking_(loop, [this] {
        look();
      }) {}

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
    const bool moves = !alias->moving_to.empty();
    const std::string model = alias->model;
    const std::string lacking = catalogue_.base_of(model).empty() ? model : alias->moving_to;
    if (auto pointed = catalogue_.point(std::move(*alias)); !pointed) {
      log_.error("a stored alias is left out", {{"alias", name}, {"detail", pointed.error().message}});
      const bool taken = pointed.error().code == Errc::exists;
      left_out_[name] = {
          model, pointed.error().message,
          taken ? "Navnet hører allerede til en model." : fmt::format("Der er ingen model, der hedder '{}'.", lacking)};
    } else if (moves) {
      undecided_.insert(name);
    }
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
  moving_.erase(alias.name);
  undecided_.erase(alias.name);
  left_out_.erase(alias.name);
  last_version_[alias.name] = alias.version;
  if (alias.moving_to.empty()) return point(std::move(alias));
  const auto from = lies(alias.model), to = lies(alias.moving_to);
  const bool same = from && to && from->model == to->model;
  if (!from || !to || (!same && !fit_together(*from, *to, residency_.devices()))) {
    alias.previous = std::exchange(alias.model, std::exchange(alias.moving_to, {}));
    return point(std::move(alias));
  }
  if (std::string why = order(alias, *to); !why.empty()) alias.detail = std::move(why);
  point(std::move(alias));
  look();
}

std::string AliasKeeper::order(const MovingAlias& alias, const rpc::ModelResidency& to) {
  using rpc::EngineState;
  Order& order = moving_[alias.name];
  const bool comes = to.state == EngineState::starting || to.state == EngineState::waking;
  const bool gone =
      to.state == EngineState::absent || to.state == EngineState::asleep || to.state == EngineState::draining;
  // One that broke is tried again by whoever loads it, later and later.
  if (gone && !order.gone && to.cause != rpc::ResidencyCause::broken) order.done = false;
  order.gone = gone;
  order.engines = 1;
  if (to.bytes == 0 || order.done || (!comes && !gone)) return {};
  const auto ordered = residency_.order(to.model, rpc::ResidencyAct::load);
  order.done = ordered.has_value();
  return ordered ? std::string() : ordered.error().message;
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

void AliasKeeper::look() {
  for (const std::string& name : std::exchange(undecided_, {}))
    if (const auto found = catalogue_.moving().find(name); found != catalogue_.moving().end())
      move(MovingAlias(found->second));
  if (moving_.empty()) return;
  for (const auto& [name, before] : std::map(moving_)) {
    const auto found = catalogue_.moving().find(name);
    if (found == catalogue_.moving().end()) {
      moving_.erase(name);
      continue;
    }
    MovingAlias alias = found->second;
    const auto to = lies(alias.moving_to);
    if (!to) continue;
    if (answers(alias.moving_to, *to)) {
      if (!to_scale(alias, *to)) continue;
      alias.previous = std::exchange(alias.model, std::exchange(alias.moving_to, {}));
      alias.detail.clear();
      moving_.erase(name);
      log_.info("an alias has moved", {{"alias", name}, {"model", alias.model}, {"from", alias.previous}});
      point(std::move(alias));
    } else {
      std::string detail = order(alias, *to);
      if (detail.empty())
        detail =
            to->state == rpc::EngineState::ready ? "the engine of '" + to->model + "' does not have it" : to->detail;
      if (detail != std::exchange(alias.detail, detail)) point(std::move(alias));
    }
  }
  if (!moving_.empty()) looking_.arm(look_every);
}

void AliasKeeper::remove(const std::string& name) {
  const auto found = catalogue_.moving().find(name);
  if (found != catalogue_.moving().end()) last_version_[name] = found->second.version + 1;
  if (left_out_.erase(name) > 0) ++last_version_[name];
  moving_.erase(name);
  catalogue_.unpoint(name);
}

std::uint64_t AliasKeeper::last_version(const std::string& name) const {
  const auto found = last_version_.find(name);
  return found == last_version_.end() ? 0 : found->second;
}

}  // namespace faelled::app
