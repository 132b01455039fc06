// A trace played in a memory that cannot hold all its models: which are kept is the policy's choice, every request
// whose model is absent waits for its load, and nothing else takes time. `commons` is the keeper of src/residency as it
// stands; beside it the classics.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "sim/result.hpp"
#include "sim/trace.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

// commons, lru, gdsf, belady.
std::vector<std::string_view> memory_policy_names();

// Of each model of the trace. Errors: invalid for one that the world does not describe.
Expected<std::vector<ModelShape>> shapes_of(const Trace& trace, const Memory& memory);

// Result::loads is there. A model that is larger than the memory is not served. Errors: invalid for another policy, and
// for a model of the trace that the world does not describe.
Expected<Result> play_memory(const Trace& trace, const Memory& memory, std::string_view policy);

}  // namespace faelled::sim
