// Names: numbers names in the order in which they first come. Private to sim.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace faelled::sim {

class Names {
 public:
  explicit Names(std::vector<std::string>& all) : all_(all) {}

  // `within`: what the name is told apart by; empty: by itself.
  std::uint32_t index(std::string_view name, std::string_view within = {}) {
    key_.assign(within).append(1, '\0').append(name);
    const auto [at, fresh] = indexes_.try_emplace(key_, static_cast<std::uint32_t>(all_.size()));
    if (fresh) all_.emplace_back(name);
    return at->second;
  }

 private:
  std::vector<std::string>& all_;
  std::unordered_map<std::string, std::uint32_t> indexes_;
  std::string key_;
};

}  // namespace faelled::sim
