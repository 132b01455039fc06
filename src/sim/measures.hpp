// What is fair about a result, by the published measures (OSDI'24, arXiv 2401.00588, and its authors' programs). Work
// is that of a WorldPrice; a request's is spread evenly from its first token to its end. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "sim/result.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

// At 19 moments of the horizon, in a window of a minute around each.
struct ServiceDifference {
  double max = 0;  // Σ over members of min(the most served − own, |demand − own|), work per second
  double mean = 0;
  double mean_of_service = 0;  // mean as a part of all work per second
  double jain_mean = 0;        // 1: all served alike; of all members, whether they wanted anything or not
};
ServiceDifference service_difference(const Result& result, const WorkPrice& price, Duration horizon);

// Input and output tokens of what was served, over the time until the last was finished.
double tokens_per_s(const Result& result);

// Mean time to first token of members with at most `requests_max` served requests; none where there is no such member.
std::optional<double> light_first_token_s(const Result& result, std::size_t requests_max = 31);

struct Waits {
  double p50_s = 0, p95_s = 0, p99_s = 0, max_s = 0;  // arrival to first token, of what was served
};
std::optional<Waits> waits(const Result& result);  // none: nobody was served

struct MemberFigures {
  std::size_t requests = 0, served = 0;
  double demanded_work = 0, served_work = 0;
  double first_token_s = 0;  // mean, of what was served
};
std::vector<MemberFigures> by_member(const Result& result, const WorkPrice& price);

}  // namespace faelled::sim
