// CatalogueKeeper: what becomes of a model that operators add, change or remove while the server runs: the gateway, the
// mesh, the node and the metrics learn of it. Owned by Keepers; loop's thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "gateway/catalogue.hpp"
#include "keeping/downloads_keeper.hpp"
#include "keeping/model_look.hpp"
#include "mesh/mesh.hpp"
#include "node/node.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "portal/catalogue_keeping.hpp"
#include "store/rows.hpp"

namespace faelled::keeping {

class CatalogueKeeper final : public portal::CatalogueKeeping {
 public:
  struct Parts {
    const config::Config& config;
    gateway::Catalogue& catalogue;
    mesh::Mesh& mesh;
    DownloadsKeeper& downloads;
    node::Node& node;
    observe::Log& log;
    observe::Metrics& metrics;
    Memories memories;
  };
  explicit CatalogueKeeper(Parts parts);

  // Those of former runs, in as many parts as one likes, and then that these were all. One that cannot be read any more
  // is told in the log, and is in left_out().
  void restore(const std::vector<store::NamedRow>& rows);
  void restored();
  // As they are in the store now, where another server may have changed them; what is no news changes nothing.
  void hear(const std::vector<store::NamedRow>& rows);
  // What the node begins an engine with.
  std::optional<engines::ModelSettings> settings_of(const std::string& id) const;

  std::expected<gateway::CatalogueModel, portal::WrongDefinition> read(std::string_view definition) const override;
  std::function<Expected<portal::ModelFit>()> look(const gateway::CatalogueModel& model) const override;
  void put(gateway::CatalogueModel model, const portal::ModelFit& fit) override;
  void remove(const std::string& id, bool its_file) override;
  std::optional<portal::Download> download(const std::string& id) const override;
  Expected<void> fetch(const std::string& id) override;
  std::uint64_t last_version(const std::string& id) const override;
  const std::map<std::string, portal::LeftOut, std::less<>>& left_out() const override { return left_out_; }

 private:
  void take(const store::NamedRow& row, const fetch::Depot& depot);
  void try_left_out(const fetch::Depot& depot);
  std::expected<gateway::CatalogueModel, portal::WrongDefinition> read(std::string_view definition,
                                                                       const fetch::Depot& depot) const;
  // Of the models that are in the metrics: 1 for the one of the states shown there that it is in.
  std::vector<observe::Metrics::Shown> states();
  void gone(const std::string& id, bool its_file, std::uint64_t version);
  void arrived(const engines::ModelSettings& settings, const engines::MemoryNeed& need);

  Parts p_;
  std::map<std::string, std::uint64_t, std::less<>> versions_;  // of those that are in the store and not here
  std::map<std::string, portal::LeftOut, std::less<>> left_out_;
  std::map<std::string, store::NamedRow, std::less<>> to_come_;  // left out while something else has their names
  // What is served until the file of its new definition is here.
  std::map<std::string, engines::ModelSettings, std::less<>> former_;
  std::set<std::string> used_;  // models that have had an engine: they stay in the metrics
  std::unique_ptr<fetch::Depot> at_start_;
};

}  // namespace faelled::keeping
