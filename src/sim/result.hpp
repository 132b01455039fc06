// Result: what became of each request of a trace. A CSV in the trace's order with the columns
// time_s,member,input_tokens,output_tokens,first_token_s,finished_s, the last two after arrival and -1 where it was not
// served. Logs of real engines in this form are measured like our own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "sim/trace.hpp"

namespace faelled::sim {

struct Served {
  Duration first_token{};  // both after arrival
  Duration finished{};
};

struct Outcome {
  Duration at{};             // arrival
  std::uint32_t member = 0;  // in Result::members
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
  std::optional<Served> served;
};

// A model was in the memory.
struct Stay {
  std::uint32_t model = 0;
  Duration loaded{}, gone{};  // from the beginning; gone is the maximum where it never was sent away
};

// What a memory's policy cost.
struct Loads {
  // Requests that found their model not in memory when they came, whether its load was still to begin or under way (a
  // delayed hit). One that never can be served is none.
  std::uint64_t misses = 0;
  std::uint64_t loads = 0;
  double seconds = 0;
  std::optional<std::uint64_t> past_promise = {};  // waited longer than promised when they came; none: nothing was
  std::uint64_t warmed = 0;                        // of these loads, before anybody asked
  std::uint64_t warmed_used = 0;                   // of these, asked for before they went
  std::vector<Stay> stays;                         // of models that take turns, in the order in which they came
};

struct Result {
  std::vector<Outcome> outcomes;
  std::vector<std::string> members;
  std::optional<Loads> loads;                     // of a world with a memory
  std::optional<std::uint64_t> floor_violations;  // none: the policy promises no floor, or nobody watched
};

// Errors: as of read_trace().
Expected<Result> read_result(std::string_view text);
std::string write_result(const Result& result);

}  // namespace faelled::sim
