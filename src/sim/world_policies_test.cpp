// What a policy is told that is none of a world's.
#include "sim/world_policies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/simulation.hpp"

namespace faelled::sim {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

World of_engines() {
  World world;
  world.engines.push_back({"e", {}, {}, Places{}});
  return world;
}

World of_memory() {
  World world;
  world.memory.emplace();
  world.memory->bytes = 1;
  world.memory->others = ModelShape{};
  return world;
}

World of_turns() {
  World world = of_memory();
  world.memory->answers = EngineModel{"", {}, {}, Places{}};
  return world;
}

Error refusal(const World& world, std::string_view policy) {
  const auto result = simulate(Trace{}, world, policy, std::nullopt);
  EXPECT_FALSE(result) << policy;
  return result ? Error{} : result.error();
}

TEST(WorldPolicies, APolicyOfAnotherWorldSaysWhatThisOneLacksForIt) {
  for (const std::string_view policy : {"fifo", "at-once", "tenure", "unfair"}) {
    EXPECT_THAT(refusal(of_memory(), policy).message,
                AllOf(HasSubstr(policy), HasSubstr("models that answer: memory.places")));
    EXPECT_THAT(refusal(of_engines(), policy).message, HasSubstr("memory.places"));
  }
  EXPECT_THAT(refusal(of_engines(), "lru").message,
              AllOf(HasSubstr("a world with a memory"), Not(HasSubstr("without"))));
  EXPECT_THAT(refusal(of_turns(), "vtc").message, HasSubstr("engines, and no memory"));
  EXPECT_THAT(refusal(of_memory(), "fcfs").message, HasSubstr("engines, and no memory"));
  EXPECT_THAT(refusal(of_turns(), bound_name).message, HasSubstr("without memory.places"));
}

TEST(WorldPolicies, AllThatThisWorldTakesAreNamed) {
  for (const World& world : {of_engines(), of_memory(), of_turns()})
    for (const std::string_view policy : {"luck", world.memory ? "fcfs" : "lru"})
      for (const std::string_view name : policies_of(plays(world)))
        EXPECT_THAT(refusal(world, policy).hint, HasSubstr(name)) << policy;
  EXPECT_THAT(refusal(of_memory(), "fifo").hint, HasSubstr("bound"));
  EXPECT_THAT(refusal(of_engines(), "luck").message, HasSubstr("there is no policy 'luck'"));
}

TEST(WorldPolicies, WhatAWorldTakesWithoutAWordItPlays) {
  for (const World& world : {of_engines(), of_memory(), of_turns()})
    EXPECT_TRUE(simulate(Trace{}, world, policy_unnamed(world), std::nullopt));
}

}  // namespace
}  // namespace faelled::sim
