#include "keepers.hpp"

#include <utility>

#include "keeping/configured_models.hpp"
#include "keeping/followers.hpp"

namespace faelled::app {
namespace {

// What becomes of it is not waited for.
keeping::AliasKeeper::Keep kept_in(store::StoreThread& store, const Clock& clock) {
  return [&clock, &store](const std::string& name, std::uint64_t version, const std::string& value) {
    const store::NamedRow row{name, version, value, clock.wall()};
    store.ask([row](store::Store& s) { return s.update_named(store::NamedKind::alias, row); },
              std::function<void(Expected<void>)>([](const Expected<void>&) {}));
  };
}

}  // namespace

Expected<std::unique_ptr<Keepers>> Keepers::open(const Process& process, store::StoreThread& store,
                                                 members::Directory& directory, gateway::Catalogue& catalogue,
                                                 Pool& pool) {
  auto how_to_fetch = keeping::fetch_settings(process.config);
  if (!how_to_fetch) return std::unexpected(how_to_fetch.error());
  auto keepers = std::make_unique<Keepers>(process, store, directory, catalogue, pool, std::move(*how_to_fetch));
  // Models before the names that mean them, and before what was learned of them.
  if (auto restored = keeping::each_named(store, store::NamedKind::model,
                                          [&](const auto& rows) { keepers->catalogue.restore(rows); });
      !restored)
    return std::unexpected(restored.error());
  keepers->catalogue.restored();
  if (auto restored = keeping::each_named(store, store::NamedKind::alias,
                                          [&](const auto& rows) { keepers->aliases.restore(rows); });
      !restored)
    return std::unexpected(restored.error());
  if (auto restored = keepers->learned.restore(); !restored) return std::unexpected(restored.error());
  if (auto restored = keepers->commons.restore(); !restored) return std::unexpected(restored.error());
  return keepers;
}

Keepers::Keepers(const Process& process, store::StoreThread& store, members::Directory& directory,
                 gateway::Catalogue& models, Pool& pool, fetch::Settings how_to_fetch)
    : downloads({process.loop, process.clock, pool.mesh, process.log, process.metrics, std::move(how_to_fetch)}),
      catalogue({process.config, models, pool.mesh, downloads, pool.node, process.log, process.metrics,
                 keeping::Memories{pool.memory ? pool.memory->bytes : 0, largest_of(pool.gpus.all, false),
                                   largest_of(pool.gpus.all, true)}}),
      aliases(process.loop, models, pool.mesh, process.log, kept_in(store, process.clock)),
      learned(process.loop, process.clock, pool.mesh, store, process.log),
      commons(process.loop, process.clock, pool.mesh, directory, store, process.log,
              [&models] { return models.places(); }) {
  pool.ask_for_settings([this](const std::string& model) { return catalogue.settings_of(model); });
}

}  // namespace faelled::app
