#include "node/vllm_driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/limits.hpp"
#include "engines/vllm_build.hpp"
#include "engines/vllm_server.hpp"

namespace faelled::node {

namespace {

namespace fs = std::filesystem;

// The folder around bin/vllm: a Python of its own, with its packages.
fs::path home_of(const std::string& program) { return fs::path(program).parent_path().parent_path(); }

// Where the Python lies that a virtual environment was made with (its pyvenv.cfg says so); empty: it says nothing.
std::string base_of(const fs::path& home) {
  std::ifstream file(home / "pyvenv.cfg");
  constexpr std::string_view key = "home = ";
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return fs::path(line.substr(key.size())).parent_path().string();
  return {};
}

}  // namespace

std::vector<std::string> VllmDriver::files() const {
  std::vector<std::string> all{model_.folder, model_.chat_template_file};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(model_.folder, error)) {
    if (all.size() > limits::model_shards_max) break;
    all.push_back(entry.path().string());
  }
  std::ranges::sort(all);
  return all;
}

Expected<void> VllmDriver::look() {
  auto folder = engines::read_model_folder(model_.folder);
  if (!folder) return std::unexpected(folder.error());
  if (auto command = engines::vllm_server_command(model_, *folder, {"/any", "/any/v.sock"}); !command)
    return std::unexpected(command.error());
  if (model_.gpu == engines::vllm_for_processors(model_.vllm)) {
    return fail(Errc::invalid,
                fmt::format("model {}: {} was built for {}", model_.id, model_.vllm,
                            model_.gpu ? "processors, and the model is to lie on a GPU"
                                       : "GPUs, and the model is not to lie on one"),
                model_.gpu ? "install vLLM's build for GPUs, or write device: host"
                           : "write device: gpu, or leave device away");
  }
  if (auto readable = look_at_template(model_); !readable) return readable;
  if (engines::lacks_template(model_, folder->chat_template)) {
    return fail(Errc::invalid, fmt::format("model {}: {} has no chat template of its own", model_.id, model_.folder),
                "name one in chat_template_file");
  }
  folder_ = std::move(*folder);
  return {};
}

Patience VllmDriver::patience(Patience patience) const {
  patience.start_silent_max = patience.start_max;
  return patience;
}

EnginePlace VllmDriver::place(const EngineFolders& folders, const std::string& name) const {
  constexpr std::size_t name_chars = 10;  // no longer in all than a socket beside the others
  const auto folder = folders.sockets + "/" + name.substr(name.size() - std::min(name.size(), name_chars));
  return {folder, folder + "/v.sock", true};
}

Expected<engines::Command> VllmDriver::prepare(const EnginePlace& place, const EngineFolders& folders) const {
  std::ofstream hook(place.folder + "/sitecustomize.py");
  hook << engines::vllm_sitecustomize() << std::flush;
  if (!hook)
    return fail(Errc::io, fmt::format("folder {}: {}", place.folder, std::strerror(errno)),
                "make room on the disk of the data folder");
  return engines::vllm_server_command(
      model_, folder_, {place.folder, place.socket, engines::vllm_for_processors(model_.vllm), folders.gpu_bytes},
      folders.environment);
}

Reach VllmDriver::reach(const EnginePlace& place) const {
  const auto home = home_of(model_.vllm);
  // Locks between its processes are files in /dev/shm. Of /proc names alone, for lscpu: the files in it tell other
  // processes' environment.
  Reach reach{{home.string()}, {model_.folder}, {place.folder, "/dev/shm"}, {"/proc"}};
  if (const auto base = base_of(home); !base.empty() && base != "/") reach.runs.push_back(base);
  reach.reads.insert(reach.reads.end(), folder_.elsewhere.begin(), folder_.elsewhere.end());
  if (!model_.chat_template_file.empty()) reach.reads.push_back(model_.chat_template_file);
  return reach;
}

std::vector<Question> VllmDriver::questions(ProbeKind kind) const {
  Question token{"POST", "/v1/completions", engines::vllm_question(model_)};
  token.within_least = 30s;  // the first one compiles what it needs
  if (kind == ProbeKind::work) return {std::move(token)};
  return {{"GET", "/health", ""}, std::move(token)};
}

std::uint64_t VllmDriver::memory_need() const {
  const auto need = engines::memory_need(model_, folder_);
  return need ? need->total() : 0;
}

std::uint32_t VllmDriver::context_tokens() const {
  return engines::context_tokens_per_place(model_, folder_.shape).value_or(0);
}

}  // namespace faelled::node
