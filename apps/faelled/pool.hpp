// Pool: who is next, and the engines there are: the mesh and the node, with what looks at memory for them and what
// writes down what is decided. What stands further down uses what stands above it, and ends first. Owned by run();
// loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "decisions/decision_log.hpp"
#include "devices.hpp"
#include "gateway/catalogue.hpp"
#include "keeping/decisions_checker.hpp"
#include "keeping/decisions_keeper.hpp"
#include "mesh/mesh.hpp"
#include "net/timer.hpp"
#include "node/gpu_watch.hpp"
#include "node/node.hpp"
#include "process.hpp"
#include "store/data_folder.hpp"

namespace faelled::app {

class Pool {
 public:
  // What the node begins an engine with; nothing: there is no such model.
  using SettingsOf = std::function<std::optional<engines::ModelSettings>(const std::string& model)>;

  // `models`: those of the configuration. Nothing is begun before node.start(). Errors: the decision log's.
  static Expected<std::unique_ptr<Pool>> open(const Process& process, const store::DataFolder& folder,
                                              const gateway::Catalogue& catalogue,
                                              std::vector<engines::ModelSettings> models);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Before the first engine begins.
  void ask_for_settings(SettingsOf settings_of) { settings_of_ = std::move(settings_of); }

 private:
  Pool(const Process& process, const store::DataFolder& folder, const mesh::Mesh::Settings& settings,
       std::unique_ptr<decisions::DecisionLog> log, std::vector<engines::ModelSettings> models);
  node::Node::Settings node_settings(const Process& process, const store::DataFolder& folder,
                                     std::vector<engines::ModelSettings> models);

  SettingsOf settings_of_;
  std::unique_ptr<decisions::DecisionLog> decision_log_;

 public:
  const std::optional<rpc::DeviceReport> memory;  // of the machine, for models
  GpusFound gpus;
  mesh::Mesh mesh;
  keeping::DecisionsKeeper decisions_keeper;
  keeping::DecisionsChecker decisions_checker;
  node::Node node;

 private:
  std::optional<node::GpuWatch> gpu_watch_;
  net::Timer memory_timer_;
};

}  // namespace faelled::app
