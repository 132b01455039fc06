#include "sim/result.hpp"

#include <array>

#include "base/limits.hpp"
#include "sim/csv.hpp"
#include "sim/names.hpp"

namespace faelled::sim {
namespace {

enum Column : std::size_t { time_s, member, input_tokens, output_tokens, first_token_s, finished_s };
constexpr auto columns = std::to_array<std::string_view>(
    {"time_s", "member", "input_tokens", "output_tokens", "first_token_s", "finished_s"});

}  // namespace

Expected<Result> read_result(std::string_view text) {
  auto csv = Csv::open(text, "the result", columns);
  if (!csv) return std::unexpected(std::move(csv).error());
  Result result;
  Names members(result.members);
  while (true) {
    const auto more = csv->next();
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    const auto at = csv->seconds(time_s, 0, limits::sim_time_s_max);
    if (!at) return std::unexpected(at.error());
    const auto name = csv->name(member);
    if (!name) return std::unexpected(name.error());
    const auto in = csv->number(input_tokens, 0, limits::sim_tokens_max);
    if (!in) return std::unexpected(in.error());
    const auto out = csv->number(output_tokens, 0, limits::sim_tokens_max);
    if (!out) return std::unexpected(out.error());
    const auto first = csv->seconds(first_token_s, -1, limits::sim_time_s_max);
    if (!first) return std::unexpected(first.error());
    const auto end = csv->seconds(finished_s, -1, limits::sim_time_s_max);
    if (!end) return std::unexpected(end.error());
    if (*first >= Duration{} && *end < *first)
      return csv->wrong(finished_s, "is before the first token", "both count from the arrival");
    if (result.outcomes.size() == limits::sim_requests_max)
      return fail(Errc::too_large, "the result has more than " + std::to_string(limits::sim_requests_max) + " rows",
                  "measure a part of it");
    Outcome outcome{*at, members.index(*name), *in, *out, std::nullopt};
    if (*first >= Duration{}) outcome.served = Served{*first, *end};
    result.outcomes.push_back(outcome);
  }
  return result;
}

std::string write_result(const Result& result) {
  std::string out = "time_s,member,input_tokens,output_tokens,first_token_s,finished_s\n";
  for (const Outcome& outcome : result.outcomes) {
    out += seconds_text(outcome.at) + "," + result.members[outcome.member] + "," +
           std::to_string(outcome.input_tokens) + "," + std::to_string(outcome.output_tokens) + ",";
    out += outcome.served
               ? seconds_text(outcome.served->first_token) + "," + seconds_text(outcome.served->finished) + "\n"
               : "-1,-1\n";
  }
  return out;
}

}  // namespace faelled::sim
