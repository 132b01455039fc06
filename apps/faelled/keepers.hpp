// Keepers: what the pool has around it while the server runs: files of models that come, models and names that
// operators change, and what was learned and lent before this process began. What stands further down uses what stands
// above it, and ends first. Owned by run(); loop's thread.
#pragma once

#include <memory>

#include "keeping/alias_keeper.hpp"
#include "keeping/catalogue_keeper.hpp"
#include "keeping/commons_keeper.hpp"
#include "keeping/downloads_keeper.hpp"
#include "keeping/learned_keeper.hpp"
#include "members/directory.hpp"
#include "pool.hpp"
#include "process.hpp"
#include "store/store_thread.hpp"

namespace faelled::app {

struct Keepers {
  // At start, before the loop runs: with what the store has of former runs. Errors: the store's; io, where the hub's
  // token cannot be read.
  static Expected<std::unique_ptr<Keepers>> open(const Process& process, store::StoreThread& store,
                                                 members::Directory& directory, gateway::Catalogue& catalogue,
                                                 Pool& pool);
  Keepers(const Process& process, store::StoreThread& store, members::Directory& directory, gateway::Catalogue& models,
          Pool& pool, fetch::Settings how_to_fetch);
  Keepers(const Keepers&) = delete;
  Keepers& operator=(const Keepers&) = delete;

  keeping::DownloadsKeeper downloads;
  keeping::CatalogueKeeper catalogue;
  keeping::AliasKeeper aliases;
  keeping::LearnedKeeper learned;
  keeping::CommonsKeeper commons;
};

}  // namespace faelled::app
