#include "engines/vllm_build.hpp"

#include <filesystem>
#include <system_error>

namespace faelled::engines {

bool vllm_for_processors(const std::string& program) {
  namespace fs = std::filesystem;
  const fs::path home = fs::path(program).parent_path().parent_path();
  std::error_code error;
  for (const auto& python : fs::directory_iterator(home / "lib", error)) {
    for (const auto& package : fs::directory_iterator(python.path() / "site-packages", error)) {
      const auto name = package.path().filename().string();
      if (name.starts_with("vllm-") && name.ends_with("+cpu.dist-info")) return true;
    }
  }
  return false;
}

}  // namespace faelled::engines
