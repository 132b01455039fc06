#include "node/driver.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "node/llama_driver.hpp"
#include "node/vllm_driver.hpp"

namespace faelled::node {

std::unique_ptr<Driver> driver_of(const engines::ModelSettings& model, bool sleeps) {
  if (model.kind == engines::EngineKind::vllm) return std::make_unique<VllmDriver>(model, sleeps);
  return std::make_unique<LlamaDriver>(model);
}

std::string fingerprint(const std::string& path) {
  struct stat info{};
  if (path.empty() || ::stat(path.c_str(), &info) != 0) return "none";
  return fmt::format("{}:{}:{}.{}", info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

std::vector<std::string> in_words(const engines::ModelSettings& model, const engines::Adapters& adapters) {
  std::vector<std::string> all;
  for (const auto& [number, error] : adapters.wrong)
    all.push_back(fmt::format("{}: {}; {}", model.adapters[number].name, error.message, error.hint));
  return all;
}

Expected<void> look_at_template(const engines::ModelSettings& model) {
  if (model.chat_template_file.empty() || ::access(model.chat_template_file.c_str(), R_OK) == 0) return {};
  return fail(Errc::io,
              fmt::format("model {}: chat template {}: {}", model.id, model.chat_template_file, std::strerror(errno)),
              "correct chat_template_file, or leave it out for the model's own template");
}

}  // namespace faelled::node
