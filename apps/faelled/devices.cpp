#include "devices.hpp"

#include <algorithm>

#include "base/byte_text.hpp"
#include "doctor/machine.hpp"
#include "node/gpu_books.hpp"

namespace faelled::app {

namespace {

// What the driver says at the start; nothing where there is none.
std::vector<node::Gpu> read_gpus(std::optional<node::Gpus>& driver, observe::Log& log) {
  const auto tell = [&log](const Error& error) { log.warn("gpus", {{"detail", error.message}, {"hint", error.hint}}); };
  auto opened = node::Gpus::open();
  if (!opened) {
    if (opened.error().code != Errc::not_found) tell(opened.error());
    return {};
  }
  auto all = opened->read();
  if (!all) {
    tell(all.error());
    return {};
  }
  driver = std::move(*opened);
  return std::move(*all);
}

}  // namespace

GpusFound find_gpus(const config::Config& config, observe::Log& log) {
  GpusFound found;
  if (config.llama_server.empty() && config.vllm.empty()) return found;
  const std::vector<node::Gpu> all = read_gpus(found.driver, log);
  for (const node::Gpu& gpu : all)
    log.info(
        "gpu",
        {{"device", gpu.device}, {"name", gpu.name}, {"uuid", gpu.uuid}, {"bytes", gpu.bytes}, {"taken", gpu.taken}});
  node::GpuGroups groups = node::groups_of(all, config.residency.gpu_groups);
  for (const std::string& wrong : groups.wrong)
    log.error("gpu group", {{"detail", wrong}, {"hint", "mend residency.gpu_groups, and start the server anew"}});
  found.all = node::together(all, groups.uuids);
  found.groups = std::move(groups.uuids);
  return found;
}

std::map<std::string, std::string, std::less<>> device_names_of(const std::vector<node::Gpu>& gpus) {
  std::map<std::string, std::string, std::less<>> names;
  for (const node::Gpu& gpu : gpus) names[gpu.device] = gpu.name;
  return names;
}

std::uint64_t largest_of(const std::vector<node::Gpu>& gpus, bool groups) {
  std::uint64_t most = 0;
  for (const node::Gpu& gpu : gpus)
    if (groups || gpu.cards == 1) most = std::max(most, node::books_of(gpu, {}).for_models);
  return most;
}

std::optional<rpc::DeviceReport> memory_for_models(const config::Config& config) {
  if (config.llama_server.empty() && config.vllm.empty()) return std::nullopt;
  if (config.residency.memory_bytes > 0) return rpc::DeviceReport{"host", config.residency.memory_bytes};
  // For the server itself, the page cache and others on this machine.
  constexpr std::uint64_t reserve_least = 500'000'000;
  const std::uint64_t all = doctor::memory_usable("/").value_or(4 * reserve_least);
  const std::uint64_t reserve = std::max(reserve_least, all / 10);
  return rpc::DeviceReport{"host", all > 2 * reserve ? all - reserve : all / 2};
}

std::vector<config::Problem> look_at_memory(const config::Config& config, const std::filesystem::path& root) {
  const std::uint64_t wanted = config.residency.memory_bytes;
  const auto usable = doctor::memory_usable(root);
  const bool engines = !config.llama_server.empty() || !config.vllm.empty();
  if (!engines || wanted == 0 || !usable || !doctor::leaves_none(wanted, *usable)) return {};
  return {{config.residency.memory_line, config.residency.memory_column,
           "residency.memory_gb gives models " + byte_text(wanted, Rounded::up) +
               ", and this machine (or its cgroup) has " + byte_text(*usable, Rounded::down) +
               " for them and the server together",
           "lower it, or leave it out: an engine that goes beyond what there is is ended by the kernel",
           "residency.memory_gb"}};
}

}  // namespace faelled::app
