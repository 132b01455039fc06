#include "sim/policy.hpp"

#include <algorithm>
#include <array>

#include "sim/baselines.hpp"
#include "sim/commons_policy.hpp"
#include "sim/world_policies.hpp"

namespace faelled::sim {
namespace {

using Maker = std::unique_ptr<Policy> (*)(const Setting&);
struct Named {
  std::string_view name;
  Maker make;
};

constexpr auto policies = std::to_array<Named>({
    {"commons", [](const Setting& s) -> std::unique_ptr<Policy> { return std::make_unique<CommonsPolicy>(s); }},
    {"fcfs", [](const Setting& s) -> std::unique_ptr<Policy> { return std::make_unique<Fcfs>(s); }},
    {"vtc", [](const Setting& s) -> std::unique_ptr<Policy> { return std::make_unique<Vtc>(s, Vtc::Foresight::none); }},
    {"vtc-oracle",
     [](const Setting& s) -> std::unique_ptr<Policy> { return std::make_unique<Vtc>(s, Vtc::Foresight::oracle); }},
    {"maxmin", [](const Setting& s) -> std::unique_ptr<Policy> { return std::make_unique<MaxMin>(s); }},
});

}  // namespace

std::vector<std::string_view> policy_names() {
  std::vector<std::string_view> names;
  for (const Named& policy : policies) names.push_back(policy.name);
  return names;
}

Expected<std::unique_ptr<Policy>> make_policy(std::string_view name, const Setting& setting) {
  const auto found = std::ranges::find(policies, name, &Named::name);
  if (found == policies.end()) return std::unexpected(wrong_policy(name, Plays::engines));
  return found->make(setting);
}

}  // namespace faelled::sim
