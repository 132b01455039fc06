#include "node/gpu_process.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <system_error>

// thread_names.c as a library, put in here by thread_names.S.
extern "C" {
extern const char faelled_thread_names[];
extern const char faelled_thread_names_end[];
}

namespace faelled::node {

namespace {

// Whole or not at all: another engine may be starting.
Expected<void> write_library(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(path, error)) return {};
  const std::string part = path + ".new";
  std::ofstream file(part, std::ios::binary);
  file.write(faelled_thread_names, faelled_thread_names_end - faelled_thread_names);
  file.close();
  if (file) fs::rename(part, path, error);
  if (file && !error) return {};
  return fail(Errc::io, fmt::format("{} cannot be written", path), "make room on the disk of the data folder");
}

}  // namespace

Expected<void> let_use_gpu(const std::string& folder, engines::Command& command, Reach& reach) {
  const std::string library = folder + "/thread_names.so";
  if (auto written = write_library(library); !written) return written;
  command.environment.push_back("LD_PRELOAD=" + library);
  reach.runs.push_back(library);
  reach.reads.emplace_back("/proc");
  return {};
}

}  // namespace faelled::node
