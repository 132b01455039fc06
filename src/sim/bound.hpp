// Bound: load seconds below which no policy of a memory can go, even one that knows the future and may keep parts of
// models. With sizes and costs Belady's rule is no optimum, and the optimum is hard to find (NP-hard); this is what a
// policy is measured against instead. The linear relaxation of which stays between two requests are kept, as in Berger,
// Beckmann and Harchol-Balter, "Practical Bounds on Optimal Caching with Variable Object Sizes" (SIGMETRICS 2018),
// bounded by its dual: a price for each moment's memory. Any prices give a valid bound, so one that has not converged
// is only lower.
#pragma once

#include "base/error.hpp"
#include "sim/trace.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

// For play_memory() (sim/memory.hpp), where nothing but loads takes time. Not where models take turns: there a load may
// serve requests that waited for each other. Takes about a second for 25,000 requests. Errors: as of shapes_of(), and
// invalid where the world has no memory or one with places.
Expected<double> load_seconds_least(const Trace& trace, const World& world);

}  // namespace faelled::sim
