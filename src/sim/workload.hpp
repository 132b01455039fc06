// Workload: traces made of a rule and a seed: those of "Fairness in Serving LLMs" (OSDI'24, arXiv 2401.00588), and ones
// that policies found hard. Pure: the same name and seed give the same trace on every machine.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "sim/trace.hpp"

namespace faelled::sim {

struct Workload {
  std::string_view name;
  std::string_view what;  // in a line, for people
  double seconds;         // in which requests arrive
};
std::span<const Workload> workloads();

// Errors: invalid for another name.
Expected<Trace> make_workload(std::string_view name, std::uint64_t seed);

}  // namespace faelled::sim
