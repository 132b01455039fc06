#include "engines/vllm_build.hpp"

#include <filesystem>

#include "base/folder.hpp"

namespace faelled::engines {

bool vllm_for_processors(const std::string& program) {
  namespace fs = std::filesystem;
  const fs::path home = fs::path(program).parent_path().parent_path();
  for (const auto& python : entries_of(home / "lib")) {
    for (const auto& package : entries_of(python.path() / "site-packages")) {
      const auto name = package.path().filename().string();
      if (name.starts_with("vllm-") && name.ends_with("+cpu.dist-info")) return true;
    }
  }
  return false;
}

}  // namespace faelled::engines
