#include "residents.hpp"

#include <algorithm>

#include "doctor/machine.hpp"
#include "engines/adapters.hpp"
#include "engines/gguf.hpp"
#include "engines/memory_need.hpp"
#include "engines/vllm_server.hpp"
#include "model_look.hpp"
#include "node/gpu_books.hpp"

namespace faelled::app {
namespace {

bool takes_memory(const engines::ModelSettings& model) { return model.kind != engines::EngineKind::openai; }

}  // namespace

rpc::DeviceKind device_of(const engines::ModelSettings& model) {
  return model.gpu ? rpc::DeviceKind::gpu : rpc::DeviceKind::host;
}

Expected<engines::MemoryNeed> need_of(const engines::ModelSettings& model) {
  if (model.kind == engines::EngineKind::vllm) {
    const auto folder = engines::read_model_folder(model.folder);
    return folder ? engines::memory_need(model, *folder) : std::unexpected(folder.error());
  }
  const auto file = engines::read_gguf_file(model.file);
  if (!file) return std::unexpected(file.error());
  auto need = engines::memory_need(model, *file);
  const auto adapters = engines::look_at_adapters(model);
  if (!adapters) return std::unexpected(adapters.error());
  if (need) need->weights += adapters->bytes;
  return need;
}

Duration load_guess_of(const engines::ModelSettings& model, const engines::MemoryNeed& need) {
  constexpr Duration python_imports = std::chrono::seconds(30);  // measured: 20 to 35
  return engines::load_guess(need) + (model.kind == engines::EngineKind::vllm ? python_imports : Duration::zero());
}

mesh::Resident resident_of(const engines::ModelSettings& model, const engines::MemoryNeed& need, bool sleep) {
  mesh::Resident resident{model.id, need.total(), load_guess_of(model, need), model.places, model.pinned};
  resident.kind = device_of(model);
  resident.copies = model.copies == 0 ? UINT32_MAX : model.copies;
  if (sleep && model.kind == engines::EngineKind::vllm) {
    resident.sleep_bytes = need.weights;
    resident.residue = engines::vllm_asleep_bytes;
    resident.forgets = engines::vllm_forgets(model);
  }
  return resident;
}

std::vector<mesh::Resident> residents_of(const std::vector<engines::ModelSettings>& models, bool sleep,
                                         observe::Log& log) {
  std::vector<mesh::Resident> all;
  for (const engines::ModelSettings& model : models) {
    if (!takes_memory(model) || is_away(model)) continue;
    mesh::Resident resident{model.id, 1, std::chrono::seconds(1), model.places, model.pinned, true, device_of(model)};
    if (const auto need = need_of(model)) {
      resident = resident_of(model, *need, sleep);
      resident.at_start = true;
      log.info("model needs memory", {{"model", model.id},
                                      {"bytes", need->total()},
                                      {"weights", need->weights},
                                      {"kv_cache", need->kv_cache},
                                      {"working", need->working}});
    }
    all.push_back(std::move(resident));
  }
  return all;
}

GpusFound find_gpus(const config::Config& config, observe::Log& log) {
  GpusFound found;
  if (config.llama_server.empty() && config.vllm.empty()) return found;
  const auto tell = [&log](const Error& error) { log.warn("gpus", {{"detail", error.message}, {"hint", error.hint}}); };
  auto driver = node::Gpus::open();
  if (!driver) {
    if (driver.error().code != Errc::not_found) tell(driver.error());
    return found;
  }
  auto all = driver->read();
  if (!all) {
    tell(all.error());
    return found;
  }
  found.all = std::move(*all);
  for (const node::Gpu& gpu : found.all)
    log.info("gpu", {{"name", gpu.name}, {"uuid", gpu.uuid}, {"bytes", gpu.bytes}, {"taken", gpu.taken}});
  found.driver = std::move(*driver);
  return found;
}

std::map<std::string, std::string, std::less<>> device_names_of(const std::vector<node::Gpu>& gpus) {
  std::map<std::string, std::string, std::less<>> names;
  for (const node::Gpu& gpu : gpus) names["gpu" + std::to_string(names.size())] = gpu.name;
  return names;
}

std::uint64_t largest_of(const std::vector<node::Gpu>& gpus) {
  std::uint64_t most = 0;
  for (const node::Gpu& gpu : gpus) most = std::max(most, node::books_of(gpu, {}).for_models);
  return most;
}

std::optional<rpc::DeviceReport> memory_for_models(const config::Config& config) {
  if (config.llama_server.empty() && config.vllm.empty()) return std::nullopt;
  if (config.residency.memory_bytes > 0) return rpc::DeviceReport{"host", config.residency.memory_bytes};
  // For the server itself, the page cache and others on this machine.
  constexpr std::uint64_t reserve_least = 500'000'000;
  const std::uint64_t all =
      doctor::cgroup_memory_max("/").value_or(doctor::memory_total("/").value_or(4 * reserve_least));
  const std::uint64_t reserve = std::max(reserve_least, all / 10);
  return rpc::DeviceReport{"host", all > 2 * reserve ? all - reserve : all / 2};
}

}  // namespace faelled::app
