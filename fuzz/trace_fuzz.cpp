// Any bytes as a trace and as a result: rows that come back as they were written, or a refusal; and figures of a result
// that are numbers.
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "sim/backlog.hpp"
#include "sim/fluid.hpp"
#include "sim/measures.hpp"
#include "sim/result.hpp"
#include "sim/trace.hpp"

namespace {

using namespace faelled::sim;

void number(double figure) {
  if (!std::isfinite(figure)) std::abort();
}

void part(const std::optional<double>& figure) {
  if (figure && !(*figure >= 0 && *figure <= 1 + 1e-9)) std::abort();
}

void as_trace(const std::string& text) {
  const auto trace = read_trace(text);
  if (!trace) {
    if (trace.error().message.empty()) std::abort();
    return;
  }
  const std::string written = write_trace(*trace);
  const auto again = read_trace(written);
  if (!again || write_trace(*again) != written || again->requests.size() != trace->requests.size()) std::abort();
  for (const Request& request : trace->requests)
    if (request.member >= trace->members.size() || request.user >= trace->users.size() ||
        request.model >= trace->models.size())
      std::abort();
}

void as_result(const std::string& text) {
  const auto result = read_result(text);
  if (!result) {
    if (result.error().message.empty()) std::abort();
    return;
  }
  const std::vector<std::uint32_t> shares(result->members.size(), 1);
  const ServiceDifference difference = service_difference(*result, {}, std::chrono::minutes(10));
  for (const double figure :
       {difference.max, difference.mean, difference.mean_of_service, difference.jain_mean, tokens_per_s(*result)})
    number(figure);
  if (const auto waited = waits(*result)) number(waited->max_s);
  std::vector<WorldMember> members;
  for (const std::string& name : result->members) members.push_back({name, 1, std::chrono::seconds(30)});
  const Backlogged backlog = backlogged(*result, {}, members, std::chrono::minutes(10));
  part(backlog.share);
  part(backlog.jain);
  number(light_lateness_s(*result, {}, shares).value_or(0));
  for (const MemberFigures& member : by_member(*result, {})) number(member.first_token_s);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  const std::string text(reinterpret_cast<const char*>(data), bytes);  // exactly its size, so that ASan sees overreads
  as_trace(text);
  as_result(text);
  return 0;
}
