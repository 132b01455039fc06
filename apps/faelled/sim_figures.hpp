// What `faelled sim` says about a result: the summary, as text and as JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/backlog.hpp"
#include "sim/measures.hpp"

namespace faelled::app {

struct SimFigures {
  struct Member {
    std::string id;
    std::uint32_t share = 1;
    sim::MemberFigures figures;
  };
  std::size_t requests = 0, served = 0;
  double tokens_per_s = 0;
  sim::ServiceDifference difference;
  sim::Backlogged backlogged;
  std::optional<double> light_first_token_s, light_lateness_s;
  std::optional<sim::Waits> waits;
  std::optional<sim::Loads> loads;
  std::optional<std::uint64_t> floor_violations;
  std::vector<Member> members;
};

// Of a trace in a memory, instead of a policy's result.
struct BoundFigures {
  std::size_t requests = 0;
  double load_seconds_least = 0;
};

SimFigures figures_of(const sim::Result& result, const sim::World& world, double horizon_s);

// JSON is one line. `policy` and `seed` are null, and left out of the text, where there are none: a log's.
std::string json_of(const SimFigures& figures, std::optional<std::string_view> policy,
                    std::optional<std::uint64_t> seed);
std::string text_of(const SimFigures& figures, std::optional<std::string_view> policy,
                    std::optional<std::uint64_t> seed);

std::string json_of(const BoundFigures& figures, std::string_view policy);
std::string text_of(const BoundFigures& figures, std::string_view policy);

}  // namespace faelled::app
