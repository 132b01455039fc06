#include "keeping/model_need.hpp"

#include "engines/adapters.hpp"
#include "engines/gguf.hpp"
#include "engines/vllm_server.hpp"
#include "keeping/model_look.hpp"

namespace faelled::keeping {
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
  resident.spreads = model.spreads();
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
    resident.spreads = model.spreads();
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

}  // namespace faelled::keeping
