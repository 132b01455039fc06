// Fluid: the ideal that no engine reaches, for comparison: work flows to all members who have some at once, each at a
// rate in proportion to its share, each member's requests in order (weighted max-min; generalised processor sharing).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sim/result.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

// When the fluid begins with each request, in seconds from the beginning of time; for requests that went unserved their
// arrival, and they take no work. `pace`: work per second, > 0. Outcomes in order of arrival, as results are.
std::vector<double> fluid_starts_s(const Result& result, const WorkPrice& price, std::span<const std::uint32_t> shares,
                                   double pace);

// The most work per second in a minute: what the engines do when they are full.
double full_pace(const Result& result, const WorkPrice& price);

// How much later than the fluid's beginning at the full pace the first token came: mean over the served requests of
// members with at most `requests_max` of them, none counting as less than 0. None where there is no such member.
std::optional<double> light_lateness_s(const Result& result, const WorkPrice& price,
                                       std::span<const std::uint32_t> shares, std::size_t requests_max = 31);

}  // namespace faelled::sim
