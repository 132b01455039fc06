// Which policies a world can be played under. A world is engines, a memory for models, or a memory whose models answer
// (memory.places); each kind has policies of its own, and some names are of more than one.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

// No policy, and asked for in one's place: load_seconds_least() of sim/bound.hpp.
inline constexpr std::string_view bound_name = "bound";

enum class Plays : std::uint8_t { engines, memory, turns };
Plays plays(const World& world);

// All that it takes, `bound` among them.
std::vector<std::string_view> policies_of(Plays kind);

// Where none is named: fcfs of engines, else commons.
std::string_view policy_unnamed(const World& world);

// That it is none of `kind`: what the world lacks for it, and what there is. Invalid.
Error wrong_policy(std::string_view name, Plays kind);

}  // namespace faelled::sim
