// A trace played where models take turns in a memory that cannot hold all: loads, answers and drains take time, a
// request waits for its model and then for a place. `commons` is the planner of src/residency with the scheduler of
// src/commons inside the lines, as the server runs them; beside it what others do.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "sim/result.hpp"
#include "sim/trace.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

// commons; unfair: its planner, first come first served inside the lines; at-once: a model in use yields as soon as
// somebody waits for an absent one; tenure: once it was there for ten seconds, and twice as many wait for the other;
// fifo: one line for all models; lru, gdsf, belady: as at-once, and of those that nobody uses the least by that rank of
// sim/ranks.hpp goes.
std::vector<std::string_view> turn_policy_names();

// Memory::answers is there. Result::loads is. A request that does not fit its engine is not served. The trace begins at
// midnight before a Monday. `seed`: of the world's jitter; none: every step takes its exact time. Errors: as of
// play_memory().
Expected<Result> play_turns(const Trace& trace, const World& world, std::string_view policy,
                            std::optional<std::uint64_t> seed = std::nullopt);

}  // namespace faelled::sim
