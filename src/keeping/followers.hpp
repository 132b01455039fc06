// Followers: who hears what another server on the same database changed, of what the directory does not keep itself:
// models, aliases, and what operators tell. Owned by run(); loop's thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keeping/alias_keeper.hpp"
#include "keeping/catalogue_keeper.hpp"
#include "net/loop.hpp"
#include "portal/portal.hpp"
#include "store/store_thread.hpp"

namespace faelled::keeping {

// All of a kind in pages, so that they are never all in memory; at start, before the loop runs.
Expected<void> each_named(store::StoreThread& store, store::NamedKind kind,
                          const std::function<void(const std::vector<store::NamedRow>&)>& told);

struct Followers {
  net::Loop& loop;
  store::StoreThread& store;
  CatalogueKeeper& catalogue;
  AliasKeeper& aliases;
  portal::Portal& portal;
  bool all_again = false;  // the store went away while all was read

  void hear(const store::Changes& changes);

 private:
  // Too much has changed to be told: a page, and then those behind it. Models before the aliases that mean them.
  void read_on(store::NamedKind kind, const std::string& after);
};

}  // namespace faelled::keeping
