#include "sim/trace.hpp"

#include <array>

#include "base/limits.hpp"
#include "sim/csv.hpp"
#include "sim/names.hpp"

namespace faelled::sim {
namespace {

enum Column : std::size_t { time_s, member, user, model, input_tokens, output_tokens };
constexpr auto columns =
    std::to_array<std::string_view>({"time_s", "member", "user", "model", "input_tokens", "output_tokens"});

}  // namespace

Expected<Trace> read_trace(std::string_view text) {
  auto csv = Csv::open(text, "the trace", columns);
  if (!csv) return std::unexpected(std::move(csv).error());
  Trace trace;
  Names members(trace.members), users(trace.users), models(trace.models);
  while (true) {
    const auto more = csv->next();
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    const auto at = csv->seconds(time_s, 0, limits::sim_time_s_max);
    if (!at) return std::unexpected(at.error());
    if (!trace.requests.empty() && *at < trace.requests.back().at)
      return csv->wrong(time_s, "is before the line above", "sort the trace by time_s");
    std::array<std::string_view, 3> named;
    for (const std::size_t column : {member, user, model}) {
      const auto name = csv->name(column);
      if (!name) return std::unexpected(name.error());
      named[column - member] = *name;
    }
    const auto in = csv->number(input_tokens, 1, limits::sim_tokens_max);
    if (!in) return std::unexpected(in.error());
    const auto out = csv->number(output_tokens, 1, limits::sim_tokens_max);
    if (!out) return std::unexpected(out.error());
    if (trace.requests.size() == limits::sim_requests_max)
      return fail(Errc::too_large, "the trace has more than " + std::to_string(limits::sim_requests_max) + " requests",
                  "simulate a part of it");
    trace.requests.push_back(
        {*at, members.index(named[0]), users.index(named[1], named[0]), models.index(named[2]), *in, *out});
  }
  if (trace.requests.empty())
    return fail(Errc::invalid, "the trace has no request", "one line for each, below the line of column names");
  if (trace.members.size() > limits::members_max)
    return fail(Errc::too_large, "the trace has more than " + std::to_string(limits::members_max) + " members",
                "simulate a part of it");
  return trace;
}

std::string seconds_text(Duration time) {
  const std::int64_t us = (time.count() + (time.count() < 0 ? -500 : 500)) / 1000;
  std::string fraction = std::to_string(1'000'000 + std::abs(us) % 1'000'000).substr(1);
  while (fraction.size() > 3 && fraction.back() == '0') fraction.pop_back();
  return (us < 0 ? "-" : "") + std::to_string(std::abs(us) / 1'000'000) + "." + fraction;
}

std::string write_trace(const Trace& trace) {
  std::string out = "time_s,member,user,model,input_tokens,output_tokens\n";
  for (const Request& request : trace.requests)
    out += seconds_text(request.at) + "," + trace.members[request.member] + "," + trace.users[request.user] + "," +
           trace.models[request.model] + "," + std::to_string(request.input_tokens) + "," +
           std::to_string(request.output_tokens) + "\n";
  return out;
}

}  // namespace faelled::sim
