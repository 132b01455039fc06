#include "devices.hpp"

#include <algorithm>

#include "doctor/machine.hpp"
#include "node/gpu_books.hpp"

namespace faelled::app {

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
