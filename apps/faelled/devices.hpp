// What of this machine's memory there is for models: its GPUs, and the host's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "node/gpus.hpp"
#include "observe/log.hpp"
#include "rpc/messages.hpp"

namespace faelled::app {

struct GpusFound {
  std::optional<node::Gpus> driver;
  std::vector<node::Gpu> all;
};
// What the driver calls each, by the names that the node gives them.
std::map<std::string, std::string, std::less<>> device_names_of(const std::vector<node::Gpu>& gpus);
// None where there is no engine that could lie on one. A driver that does not answer is told in the log.
GpusFound find_gpus(const config::Config& config, observe::Log& log);
// Bytes for models of the largest; 0: there is none.
std::uint64_t largest_of(const std::vector<node::Gpu>& gpus);

// Nothing where there is no engine that a model could take it with.
std::optional<rpc::DeviceReport> memory_for_models(const config::Config& config);

}  // namespace faelled::app
