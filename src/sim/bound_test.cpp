// The bound beside the optimum: of small worlds every choice is tried, of equal slots Belady's rule is known to be
// best.
#include "sim/bound.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/random.hpp"
#include "sim/memory.hpp"
#include "sim/workload.hpp"

namespace faelled::sim {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

struct Small {
  Trace trace;
  World world;
};

// Up to five models of 1 to 6 units that load in 0 to 20 s, in a memory of 4 to 12: some never fit, some only alone.
Small small_world(SeededRandom& random) {
  Small small;
  small.trace.members = {"a"};
  small.trace.users = {"u"};
  small.world.memory.emplace();
  small.world.memory->bytes = 4 + random.below(9);
  const auto models = static_cast<std::uint32_t>(2 + random.below(4));
  for (std::uint32_t m = 0; m < models; ++m) {
    small.trace.models.push_back("m" + std::to_string(m));
    small.world.memory->models.push_back({small.trace.models.back(), 1 + random.below(6), seconds(random.below(21))});
  }
  for (int i = 0; i < 30; ++i)
    small.trace.requests.push_back({seconds(i), 0, 0, static_cast<std::uint32_t>(random.below(models)), 1, 1});
  return small;
}

// Over what the memory can hold after each request.
double optimum_s(const Small& small) {
  const Memory& memory = *small.world.memory;
  const std::size_t sets = std::size_t{1} << memory.models.size();
  const auto fits = [&](std::size_t set) {
    std::uint64_t bytes = 0;
    for (std::size_t m = 0; m < memory.models.size(); ++m)
      if ((set >> m & 1) != 0) bytes += memory.models[m].bytes;
    return bytes <= memory.bytes;
  };
  constexpr double never = std::numeric_limits<double>::infinity();
  std::vector<double> least(sets, never);
  least[0] = 0;
  for (const Request& request : small.trace.requests) {
    const std::size_t asked = std::size_t{1} << request.model;
    if (!fits(asked)) continue;
    std::vector<double> next(sets, never);
    for (std::size_t set = 0; set < sets; ++set) {
      if (least[set] == never) continue;
      const double load_s = std::chrono::duration<double>(memory.models[request.model].load).count();
      const double cost = least[set] + ((set & asked) != 0 ? 0 : load_s);
      for (std::size_t kept = 0; kept < sets; ++kept)
        if ((kept & ~(set | asked)) == 0 && (kept & asked) != 0 && fits(kept)) next[kept] = std::min(next[kept], cost);
    }
    least = next;
  }
  return std::ranges::min(least);
}

TEST(Bound, IsNeverAboveTheOptimumOfASmallWorldAndMostlyNearIt) {
  constexpr int worlds = 300;
  double parts = 0;
  for (std::uint64_t seed = 1; seed <= worlds; ++seed) {
    SeededRandom random(seed);
    const Small small = small_world(random);
    const double least = load_seconds_least(small.trace, small.world).value(), optimum = optimum_s(small);
    ASSERT_LE(least, optimum + 1e-6) << "seed " << seed;
    parts += optimum == 0 ? 1 : least / optimum;
  }
  EXPECT_GE(parts / worlds, 0.95);
}

TEST(Bound, OfEqualSlotsIsWhatForesightNeeds) {
  Trace trace = make_workload("office", 1).value();
  trace.requests.resize(8000);
  World world;
  world.memory.emplace();
  world.memory->bytes = 8;
  world.memory->others = ModelShape{};
  const double least = load_seconds_least(trace, world).value();
  const double belady = play_memory(trace, *world.memory, "belady")->loads->seconds;
  EXPECT_LE(least, belady);
  EXPECT_GE(least, 0.99 * belady);
}

TEST(Bound, CountsTheFirstLoadOfEachModelThatFits) {
  Small small;
  small.trace.models = {"m0", "m1", "m2"};
  small.world.memory.emplace();
  small.world.memory->bytes = 10;
  small.world.memory->models = {{"m0", 4, seconds(3)}, {"m1", 6, seconds(5)}, {"m2", 11, seconds(100)}};
  for (const std::uint32_t model : {0U, 1U, 2U, 0U, 1U, 2U})
    small.trace.requests.push_back({seconds(small.trace.requests.size()), 0, 0, model, 1, 1});
  EXPECT_NEAR(load_seconds_least(small.trace, small.world).value(), 8, 0.01);
}

TEST(Bound, IsNoneWhereAnswersTakeTime) {
  Small small;
  EXPECT_THAT(load_seconds_least(small.trace, small.world).error().message, HasSubstr("needs a world with a memory"));
  small.world.memory.emplace();
  small.world.memory->answers.emplace();
  EXPECT_THAT(load_seconds_least(small.trace, small.world).error().message, HasSubstr("without memory.places"));
}

}  // namespace
}  // namespace faelled::sim
