#include "sim/measures.hpp"

#include <algorithm>
#include <cmath>

namespace faelled::sim {
namespace {

constexpr double window_s = 60, warm_up_s = 30;
constexpr int ticks = 20;
constexpr double spread_s_min = 1e-5;

double in_seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

double work_of(const Outcome& outcome, const WorkPrice& price) {
  return 1.0 * price.input * outcome.input_tokens + 1.0 * price.output * outcome.output_tokens;
}

// The part of a request's work that falls into [low, high).
double overlap(const Outcome& outcome, double work, double low, double high) {
  const double at = in_seconds(outcome.at);
  const double first = at + in_seconds(outcome.served->first_token), end = at + in_seconds(outcome.served->finished);
  if (end - first < spread_s_min) return 0;
  return work * std::max(std::min(high, end) - std::max(low, first), 0.0) / (end - first);
}

double last_end_s(const Result& result) {
  Duration last{};
  for (const Outcome& outcome : result.outcomes)
    if (outcome.served) last = std::max(last, outcome.at + outcome.served->finished);
  return in_seconds(last);
}

double percentile(const std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
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
    const double middle = (in_seconds(horizon) - warm_up_s) / ticks * i + warm_up_s;
    const double low = middle - window_s / 2, high = middle + window_s / 2;
    std::ranges::fill(service, 0);
    std::ranges::fill(demand, 0);
    for (const Outcome& outcome : result.outcomes) {
      const double work = work_of(outcome, price) / window_s, at = in_seconds(outcome.at);
      if (outcome.served) {
        service[outcome.member] += overlap(outcome, work, low, high);
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
    sum_s[outcome.member] += in_seconds(outcome.served->first_token);
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

Waits waits(const Result& result) {
  std::vector<double> all;
  for (const Outcome& outcome : result.outcomes)
    if (outcome.served) all.push_back(in_seconds(outcome.served->first_token));
  std::ranges::sort(all);
  return {percentile(all, 0.5), percentile(all, 0.95), percentile(all, 0.99), all.empty() ? 0 : all.back()};
}

}  // namespace faelled::sim
