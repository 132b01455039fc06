// Pack: who must go for one that comes. In the order given until there is room; then those that still fit after all are
// put back, the last first. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace faelled::residency {

// `bytes`: of those that may go, who goes first in front. Their places in it, rising. None: all of them are too few.
std::optional<std::vector<std::size_t>> pack(std::span<const std::uint64_t> bytes, std::uint64_t room,
                                             std::uint64_t wanted);

}  // namespace faelled::residency
