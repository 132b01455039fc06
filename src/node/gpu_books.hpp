// What of a GPU's memory is there for our models, and what each of them takes, from what its driver says. Pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "node/gpus.hpp"

namespace faelled::node {

// An engine of ours that lies there.
struct OnGpu {
  std::uint64_t need = 0;  // by its file
  std::vector<pid_t> processes;
};

struct GpuBooks {
  std::uint64_t others = 0;         // what we have not made: other programs, and what an engine left behind
  std::uint64_t others_seen = 0;    // the same by this reading alone
  std::uint64_t for_models = 0;     // the rest, less what nobody counts
  std::vector<std::uint64_t> read;  // by engine; 0: not seen
};

// `before`: those of the last reading; none: it is the first. Others take more when two readings in a row say so, for
// one may show a process of ours that has just ended; where an engine is not seen (it has not taken anything yet, or
// the driver does not tell processes), they are thought to take no less than they did.
GpuBooks books_of(const Gpu& gpu, std::span<const OnGpu> ours, const std::optional<GpuBooks>& before = {});

}  // namespace faelled::node
