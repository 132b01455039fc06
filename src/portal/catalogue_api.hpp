// Models that operators add, change and remove while the server runs. Of the Portal; loop's thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "json/writer.hpp"
#include "net/aside.hpp"
#include "portal/catalogue_keeping.hpp"
#include "portal/desk.hpp"

namespace faelled::portal {

class CatalogueApi {
 public:
  CatalogueApi(Desk& desk, CatalogueKeeping* keeping, const rpc::ResidencyPort* residency)
      : desk_(desk), keeping_(keeping), residency_(residency), aside_(desk.context.loop) {}

  net::Task<void> list_catalogue(Call& call);
  net::Task<void> get_model(Call& call);
  net::Task<void> add_model(Call& call);
  net::Task<void> change_model(Call& call);
  net::Task<void> remove_model(Call& call);
  net::Task<void> fetch_model(Call& call);

 private:
  struct Wished {
    gateway::CatalogueModel model;
    std::string definition;
    ModelFit fit;
    bool dry_run = false;
    std::optional<std::uint64_t> version;  // the one that was seen
  };
  // A model that was added at run time, as the store has it: another server may have changed it a moment ago.
  struct Former {
    std::uint64_t version = 0;
    std::string definition;
  };
  net::Task<Expected<Former>> former_model(std::string id);
  using Definitions = std::map<std::string, std::string, std::less<>>;  // by id; empty: it was removed
  net::Task<Expected<Definitions>> definitions_of(std::vector<std::string> ids, std::optional<std::string> behind = {});
  void write_entry(json::Writer& out, const std::string& id, const Definitions& definitions) const;
  net::Task<std::optional<Wished>> wished_model(Call& call, bool adds);
  std::uint64_t latest(const std::string& id) const;
  std::optional<openai::ApiError> against(const Wished& wished, const std::string& id, bool adds) const;
  void leave_the_pinned(ModelFit& fit, const engines::ModelSettings& model) const;
  net::Task<void> put_model(Call& call, Wished wished, bool adds);

  Desk& desk_;
  CatalogueKeeping* keeping_;            // nullptr: the catalogue does not change while the server runs
  const rpc::ResidencyPort* residency_;  // nullptr: nobody plans which model lies where
  net::Aside aside_;                     // for a look at a model's files
};

}  // namespace faelled::portal
