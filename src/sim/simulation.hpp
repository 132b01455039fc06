// A trace played in a world under a policy, in discrete events: from one arrival, engine's turn or end of somebody's
// patience to the next. Reads no clock and no file; the same arguments give the same result on every machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "sim/policy.hpp"
#include "sim/result.hpp"
#include "sim/trace.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

// Its line, or `others`.
const WorldMember& member_of(const World& world, std::string_view id);

// What a policy is made of.
Setting setting_of(const Trace& trace, const World& world);

// `seed`: of the world's jitter; none: every step is exactly as long as the engine's model says. A request that fits no
// engine, or waits longer than its member does, is not served.
Result run(const Trace& trace, const World& world, Policy& policy, std::optional<std::uint64_t> seed);

// setting_of(), make_policy() and run(), play_memory() (sim/memory.hpp) or play_turns() (sim/turns.hpp). Errors:
// invalid for an unknown policy, and for a world that serves nobody.
Expected<Result> simulate(const Trace& trace, const World& world, std::string_view policy,
                          std::optional<std::uint64_t> seed);

}  // namespace faelled::sim
