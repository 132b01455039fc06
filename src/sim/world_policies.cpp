#include "sim/world_policies.hpp"

#include <algorithm>
#include <string>

#include "sim/memory.hpp"
#include "sim/policy.hpp"
#include "sim/turns.hpp"

namespace faelled::sim {
namespace {

bool takes(Plays kind, std::string_view name) {
  const auto all = policies_of(kind);
  return std::ranges::find(all, name) != all.end();
}

std::string_view has(Plays kind) {
  switch (kind) {
    case Plays::engines:
      break;
    case Plays::memory:
      return "a memory whose answers take no time";
    case Plays::turns:
      return "a memory whose models answer (memory.places or memory.engine)";
  }
  return "engines";
}

// Of a world, for this policy. Empty: there is no such policy.
std::string_view needed(std::string_view name) {
  const bool memory = takes(Plays::memory, name), turns = takes(Plays::turns, name);
  if (memory && turns) return "a memory";
  if (memory) return "a memory without memory.places and memory.engine";
  if (turns) return "models that answer: memory.places, how many requests each takes at a time";
  return takes(Plays::engines, name) ? "engines, and no memory" : "";
}

std::string listed(Plays kind) {
  std::string all;
  for (const std::string_view name : policies_of(kind)) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

}  // namespace

Plays plays(const World& world) {
  if (!world.memory) return Plays::engines;
  return world.memory->answers ? Plays::turns : Plays::memory;
}

std::vector<std::string_view> policies_of(Plays kind) {
  if (kind == Plays::engines) return policy_names();
  if (kind == Plays::turns) return turn_policy_names();
  auto names = memory_policy_names();
  names.push_back(bound_name);
  return names;
}

std::string_view policy_unnamed(const World& world) { return world.memory ? "commons" : "fcfs"; }

Error wrong_policy(std::string_view name, Plays kind) {
  const std::string quoted = "'" + std::string(name) + "'", there_are = "there are: " + listed(kind);
  const std::string_view needs = needed(name);
  if (needs.empty()) return {Errc::invalid, "there is no policy " + quoted, there_are};
  return {Errc::invalid,
          "policy " + quoted + " needs a world with " + std::string(needs) + "; this one has " + std::string(has(kind)),
          "for this one " + there_are};
}

}  // namespace faelled::sim
