#include "pool.hpp"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "keeping/model_need.hpp"
#include "settings.hpp"

extern char** environ;

namespace faelled::app {
namespace {

constexpr auto gpus_read_every = 5s;

std::vector<std::string> own_environment() {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  return all;
}

}  // namespace

Expected<std::unique_ptr<Pool>> Pool::open(const Process& process, const store::DataFolder& folder,
                                           const gateway::Catalogue& catalogue,
                                           std::vector<engines::ModelSettings> models) {
  const mesh::Mesh::Settings settings = mesh_settings(process.config, catalogue);
  auto log = decisions::DecisionLog::open({folder.decisions(), settings.commons}, process.clock.now(),
                                          process.clock.wall(), process.random);
  if (!log) return std::unexpected(log.error());
  return std::unique_ptr<Pool>(new Pool(process, folder, settings, std::move(*log), std::move(models)));
}

Pool::Pool(const Process& process, const store::DataFolder& folder, const mesh::Mesh::Settings& settings,
           std::unique_ptr<decisions::DecisionLog> log, std::vector<engines::ModelSettings> models)
    : decision_log_(std::move(log)),
      memory(memory_for_models(process.config)),
      gpus(find_gpus(process.config, process.log)),
      mesh(process.clock, settings),
      decisions_keeper(process.loop, process.clock, mesh, *decision_log_, process.log),
      decisions_checker(process.loop, process.clock, process.log,
                        [folder = folder.decisions()](const decisions::Stopped& stopped) {
                          return decisions::check_log(folder, stopped);
                        }),
      node(process.loop, process.client, process.clock, process.random, process.log, mesh,
           node_settings(process, folder, models)),
      memory_timer_(process.loop, [this] { mesh.look_at_memory(); }) {
  for (const mesh::Resident& model : keeping::residents_of(models, process.config.residency.sleep, process.log))
    mesh.know(model);
  mesh.nodes(node);
  if (!gpus.all.empty()) {
    gpu_watch_.emplace(process.loop, std::move(*gpus.driver), gpus_read_every,
                       [this](const std::vector<node::Gpu>& now) { node.read(node::together(now, gpus.groups)); });
    node.on_gpu_wish([this] { gpu_watch_->now(); });
  }
  mesh.on_wake([this](Instant at) {
    if (at == Instant::max()) {
      memory_timer_.cancel();
    } else {
      memory_timer_.arm_at(at);
    }
  });
  mesh.on_engine_fault([this](const std::string& engine) { node.look_at(engine); });
  mesh.on_engine_restart([&metrics = process.metrics](const std::string& model, std::uint64_t times) {
    metrics.model(model).engine_restarted(times);
  });
}

node::Node::Settings Pool::node_settings(const Process& process, const store::DataFolder& folder,
                                         std::vector<engines::ModelSettings> models) {
  node::Node::Settings settings;
  settings.folder = std::filesystem::absolute(folder.path()).string();
  if (memory) settings.devices.push_back(*memory);
  settings.gpus = gpus.all;
  if (memory && process.config.residency.sleep) settings.gpu_backing = memory->device;
  settings.models = std::move(models);
  settings.environment = own_environment();
  settings.look_up = [this, &metrics = process.metrics](const std::string& model) {
    auto found = settings_of_ ? settings_of_(model) : std::nullopt;
    if (found) metrics.model(model);  // increase() sees no restart with which a series is born
    return found;
  };
  return settings;
}

}  // namespace faelled::app
