// Worth: what a model is worth keeping for in a memory that cannot hold all.
//
//   worth = load seconds / bytes × demand^d / (age + 60 s)^a
//
// load seconds / bytes × demand is the classic of caches with sizes and costs (GDSF, Cherkasova 1998); the age stands
// for what a rate cannot know, that a model's time may be over. Which d and a serve best differs between places and
// changes: Tuner finds out. Pure.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.hpp"
#include "residency/demand.hpp"

namespace faelled::residency {

using ModelNumber = std::uint32_t;  // its place in the catalogue

struct Model {
  std::uint64_t bytes = 1;
  Duration load = std::chrono::seconds(1);  // from asking for it to its first token
  Demand demand;
};

struct Weighing {
  double demand = 1;
  double age = 0.5;
  bool habit = false;    // demand over two days alone, else over all time scales
  bool recency = false;  // age alone: what LRU goes by, whatever a model takes and costs
};

// Those that the tuner tries: the first is LRU, the second recency by size and cost, the last five look at habit.
inline constexpr std::array<Weighing, 11> weighings = {{{0, 1, false, true},
                                                        {0, 1},
                                                        {1, 0.5},
                                                        {1, 1},
                                                        {1, 1.5},
                                                        {1, 2},
                                                        {1, 0.5, true},
                                                        {1, 0.75, true},
                                                        {0.5, 1, true},
                                                        {0.5, 0.75, true},
                                                        {0.5, 0.5, true}}};

// Good everywhere, best nowhere.
inline constexpr Weighing where_some_sleep{1, 1};

double worth(const Model& model, const Weighing& weighing, Instant now);
// The same where not all of it goes: `lost_s` to have it back as it was, for `freed` bytes, at least one.
double worth(const Model& model, double lost_s, std::uint64_t freed, const Weighing& weighing, Instant now);

}  // namespace faelled::residency
