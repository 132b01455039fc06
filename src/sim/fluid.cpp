#include "sim/fluid.hpp"

#include <deque>
#include <limits>
#include <queue>
#include <tuple>

#include "sim/service.hpp"

namespace faelled::sim {
namespace {

// Time at which a member with share 1 has got so much work: virtual time. A member's head ends when it comes to where
// it began plus its work for its share.
class Fluid {
 public:
  Fluid(std::span<const std::uint32_t> shares, double pace, std::vector<double>& starts_s)
      : shares_(shares), pace_(pace), starts_s_(starts_s), queues_(shares.size()) {}

  void until(double time_s) {
    while (!heads_.empty()) {
      const Head head = heads_.top();
      const double ends_s = now_s_ + std::max(0.0, head.ends - virtual_) * static_cast<double>(active_) / pace_;
      if (ends_s > time_s) break;
      heads_.pop();
      now_s_ = ends_s;
      virtual_ = std::max(virtual_, head.ends);
      auto& queue = queues_[head.member];
      queue.pop_front();
      if (queue.empty())
        active_ -= shares_[head.member];
      else
        begin(head.member);
    }
    if (active_ > 0) virtual_ += (time_s - now_s_) * pace_ / static_cast<double>(active_);
    now_s_ = time_s;
  }

  void arrive(std::uint32_t member, std::size_t request, double work) {
    queues_[member].push_back({request, work});
    if (queues_[member].size() > 1) return;
    active_ += shares_[member];
    begin(member);
  }

 private:
  struct Waiting {
    std::size_t request;
    double work;
  };
  struct Head {
    double ends;  // in virtual time
    std::uint32_t member;
    bool operator>(const Head& other) const { return std::tie(ends, member) > std::tie(other.ends, other.member); }
  };

  void begin(std::uint32_t member) {
    const Waiting& next = queues_[member].front();
    starts_s_[next.request] = now_s_;
    heads_.push({virtual_ + next.work / shares_[member], member});
  }

  std::span<const std::uint32_t> shares_;
  double pace_;
  std::vector<double>& starts_s_;
  std::vector<std::deque<Waiting>> queues_;
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads_;
  std::uint64_t active_ = 0;  // shares of those who have work
  double now_s_ = 0, virtual_ = 0;
};

// Work delivered until a moment: a line that bends where a request begins or ends.
class Delivered {
 public:
  Delivered(const Result& result, const WorkPrice& price) {
    std::vector<std::pair<double, double>> bends;  // when, by how much the rate changes
    for (const Outcome& outcome : result.outcomes) {
      if (!outcome.served) continue;
      const Interval time = service_time(outcome);
      if (time.length() <= 0) continue;
      const double rate = work_of(outcome, price) / time.length();
      bends.emplace_back(time.low, rate);
      bends.emplace_back(time.high, -rate);
    }
    std::ranges::sort(bends);
    double work = 0, rate = 0;
    for (const auto& [time_s, change] : bends) {
      if (!bends_s_.empty()) work += rate * (time_s - bends_s_.back());
      rate += change;
      bends_s_.push_back(time_s);
      work_.push_back(work);
    }
  }
  const std::vector<double>& bends_s() const { return bends_s_; }

  double until(double time_s) const {
    const auto next = std::ranges::upper_bound(bends_s_, time_s);
    if (next == bends_s_.begin()) return 0;
    if (next == bends_s_.end()) return work_.back();
    const auto i = static_cast<std::size_t>(next - bends_s_.begin());
    const double part = (time_s - bends_s_[i - 1]) / (bends_s_[i] - bends_s_[i - 1]);
    return work_[i - 1] + part * (work_[i] - work_[i - 1]);
  }

 private:
  std::vector<double> bends_s_, work_;
};

}  // namespace

std::vector<double> fluid_starts_s(const Result& result, const WorkPrice& price, std::span<const std::uint32_t> shares,
                                   double pace) {
  std::vector<double> starts_s(result.outcomes.size());
  Fluid fluid(shares, pace, starts_s);
  for (std::size_t i = 0; i < result.outcomes.size(); ++i) {
    const Outcome& outcome = result.outcomes[i];
    starts_s[i] = seconds(outcome.at);
    if (!outcome.served) continue;
    fluid.until(starts_s[i]);
    fluid.arrive(outcome.member, i, work_of(outcome, price));
  }
  fluid.until(std::numeric_limits<double>::max());
  return starts_s;
}

double full_pace(const Result& result, const WorkPrice& price) {
  const Delivered delivered(result, price);
  double most = 0;
  for (const double time_s : delivered.bends_s()) {  // the best window begins or ends at one
    const double now = delivered.until(time_s);
    most = std::max({most, delivered.until(time_s + window_s) - now, now - delivered.until(time_s - window_s)});
  }
  return most / window_s;
}

std::optional<double> light_lateness_s(const Result& result, const WorkPrice& price,
                                       std::span<const std::uint32_t> shares, std::size_t requests_max) {
  const double pace = full_pace(result, price);
  if (pace <= 0) return std::nullopt;
  const std::vector<double> starts_s = fluid_starts_s(result, price, shares, pace);
  std::vector<std::size_t> served(result.members.size());
  for (const Outcome& outcome : result.outcomes) served[outcome.member] += outcome.served ? 1 : 0;
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < result.outcomes.size(); ++i) {
    const Outcome& outcome = result.outcomes[i];
    if (!outcome.served || served[outcome.member] > requests_max) continue;
    sum += std::max(0.0, seconds(outcome.at + outcome.served->first_token) - starts_s[i]);
    ++count;
  }
  return count ? std::optional(sum / static_cast<double>(count)) : std::nullopt;
}

}  // namespace faelled::sim
