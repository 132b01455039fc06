// CatalogueKeeper: what becomes of a model that operators add, change or remove while the server runs: the gateway, the
// mesh, the node and the metrics learn of it. Owned by serve(); loop's thread.
#pragma once

#include <map>
#include <set>
#include <string>

#include "config/config.hpp"
#include "downloads_keeper.hpp"
#include "gateway/catalogue.hpp"
#include "mesh/mesh.hpp"
#include "node/node.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "portal/catalogue_keeping.hpp"
#include "store/rows.hpp"

namespace faelled::app {

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
    std::uint64_t memory = 0;      // of the machine for models
    std::uint64_t gpu_memory = 0;  // of the largest GPU
  };
  explicit CatalogueKeeper(Parts parts);

  // Those of former runs, from the store's settings. One that cannot be read any more is told in the log, and is in
  // left_out().
  void restore(const std::vector<store::SettingRow>& settings);

  std::expected<gateway::CatalogueModel, portal::WrongDefinition> read(std::string_view definition) const override;
  std::function<Expected<portal::ModelFit>()> look(const gateway::CatalogueModel& model) const override;
  void put(gateway::CatalogueModel model, std::string definition, const portal::ModelFit& fit) override;
  void remove(const std::string& id, bool its_file) override;
  std::optional<portal::Download> download(const std::string& id) const override;
  Expected<void> fetch(const std::string& id) override;
  std::string definition(const std::string& id) const override;
  std::uint64_t last_version(const std::string& id) const override;
  const std::map<std::string, portal::LeftOut, std::less<>>& left_out() const override { return left_out_; }

 private:
  struct Kept {
    std::uint64_t version = 0;
    std::string definition;  // empty: it was removed
  };

  void show(const std::string& id);
  void arrived(const engines::ModelSettings& settings, const engines::MemoryNeed& need);

  Parts p_;
  std::map<std::string, Kept, std::less<>> kept_;
  std::map<std::string, portal::LeftOut, std::less<>> left_out_;
  std::set<std::string> shown_;  // in the metrics: one that comes again is there already
};

}  // namespace faelled::app
