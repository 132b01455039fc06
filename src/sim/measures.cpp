#include "sim/measures.hpp"

#include <algorithm>
#include <cmath>

#include "base/percentile.hpp"
#include "sim/service.hpp"

namespace faelled::sim {
namespace {

constexpr int ticks = 20;

double last_end_s(const Result& result) {
  Duration last{};
  for (const Outcome& outcome : result.outcomes)
    if (outcome.served) last = std::max(last, outcome.at + outcome.served->finished);
  return seconds(last);
}

}  // namespace

ServiceDifference service_difference(const Result& result, const WorkPrice& price, Duration horizon) {
  ServiceDifference out;
  const std::size_t members = result.members.size();
  std::vector<double> service(members), demand(members);
  int with_service = 0;
  double served_work = 0;
  for (const Outcome& outcome : result.outcomes)
    if (outcome.served) served_work += work_of(outcome, price);
  for (int i = 1; i < ticks; ++i) {
    const double middle = (seconds(horizon) - warm_up_s) / ticks * i + warm_up_s;
    const double low = middle - window_s / 2, high = middle + window_s / 2;
    std::ranges::fill(service, 0);
    std::ranges::fill(demand, 0);
    for (const Outcome& outcome : result.outcomes) {
      const double work = work_of(outcome, price) / window_s, at = seconds(outcome.at);
      if (outcome.served) {
        const Interval time = service_time(outcome);
        if (time.length() > 0) service[outcome.member] += work * time.within(low, high) / time.length();
        if (at >= low && at < high) demand[outcome.member] += work;
      }
    }
    const double most = members == 0 ? 0 : std::ranges::max(service);
    double difference = 0, total = 0, squares = 0;
    for (std::size_t m = 0; m < members; ++m) {
      difference += std::min(most - service[m], std::abs(demand[m] - service[m]));
      total += service[m];
      squares += service[m] * service[m];
    }
    out.max = std::max(out.max, difference);
    out.mean += difference / (ticks - 1);
    if (total > 0) {
      out.jain_mean += total * total / (static_cast<double>(members) * squares);
      ++with_service;
    }
  }
  if (with_service > 0) out.jain_mean /= with_service;
  const double last = last_end_s(result);
  if (served_work > 0 && last > 0) out.mean_of_service = out.mean / (served_work / last);
  return out;
}

double tokens_per_s(const Result& result) {
  const double last = last_end_s(result);
  double tokens = 0;
  for (const Outcome& outcome : result.outcomes)
    if (outcome.served) tokens += 1.0 * outcome.input_tokens + outcome.output_tokens;
  return last > 0 ? tokens / last : 0;
}

std::optional<double> light_first_token_s(const Result& result, std::size_t requests_max) {
  std::vector<std::size_t> served(result.members.size());
  std::vector<double> sum_s(result.members.size());
  for (const Outcome& outcome : result.outcomes) {
    if (!outcome.served) continue;
    ++served[outcome.member];
    sum_s[outcome.member] += seconds(outcome.served->first_token);
  }
  std::size_t count = 0;
  double total = 0;
  for (std::size_t m = 0; m < served.size(); ++m) {
    if (served[m] > requests_max) continue;
    count += served[m];
    total += sum_s[m];
  }
  return count ? std::optional(total / static_cast<double>(count)) : std::nullopt;
}

std::optional<Waits> waits(const Result& result) {
  std::vector<double> all;
  for (const Outcome& outcome : result.outcomes)
    if (outcome.served) all.push_back(seconds(outcome.served->first_token));
  std::ranges::sort(all);
  if (all.empty()) return std::nullopt;
  return Waits{percentile(all, 50), percentile(all, 95), percentile(all, 99), all.back()};
}

std::vector<MemberFigures> by_member(const Result& result, const WorkPrice& price) {
  std::vector<MemberFigures> members(result.members.size());
  for (const Outcome& outcome : result.outcomes) {
    MemberFigures& member = members[outcome.member];
    const double work = work_of(outcome, price);
    ++member.requests;
    member.demanded_work += work;
    if (!outcome.served) continue;
    ++member.served;
    member.served_work += work;
    member.first_token_s += seconds(outcome.served->first_token);
  }
  for (MemberFigures& member : members)
    if (member.served > 0) member.first_token_s /= static_cast<double>(member.served);
  return members;
}

}  // namespace faelled::sim
