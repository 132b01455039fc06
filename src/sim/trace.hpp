// Trace: who asked for how much and when, as somebody's log or a generator tells it. A CSV with the columns
// time_s,member,user,model,input_tokens,output_tokens in order of time; docs/simulation.md describes it. Plain values;
// reading and writing touch no file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace faelled::sim {

using RequestId = std::uint32_t;  // its row in the trace, from 0

struct Request {
  Duration at{};             // after the trace's zero
  std::uint32_t member = 0;  // in Trace::members, as the next two in theirs
  std::uint32_t user = 0;
  std::uint32_t model = 0;
  std::uint32_t input_tokens = 1;
  std::uint32_t output_tokens = 1;  // the truth: known in advance to an oracle alone
};

struct Trace {
  std::vector<Request> requests;
  std::vector<std::string> members;  // in order of their first request
  std::vector<std::string> users;    // of all members; the same name under two members is two users
  std::vector<std::string> models;
};

// Errors: invalid, with line, what is wrong and how to mend it; too_large.
Expected<Trace> read_trace(std::string_view text);
std::string write_trace(const Trace& trace);

// "12.345": what both CSV files write. At least three digits behind the point, at most six, without needless zeros.
std::string seconds_text(Duration time);

}  // namespace faelled::sim
