#include "residency/pack.hpp"

#include <algorithm>

namespace faelled::residency {

std::optional<std::vector<std::size_t>> pack(std::span<const std::uint64_t> bytes, std::uint64_t room,
                                             std::uint64_t wanted) {
  std::size_t taken = 0;
  for (; room < wanted && taken < bytes.size(); ++taken) room += bytes[taken];
  if (room < wanted) return std::nullopt;
  std::vector<std::size_t> gone;
  for (std::size_t i = taken; i-- > 0;) {
    if (room >= wanted + bytes[i]) {
      room -= bytes[i];
    } else {
      gone.push_back(i);
    }
  }
  std::ranges::reverse(gone);
  return gone;
}

}  // namespace faelled::residency
