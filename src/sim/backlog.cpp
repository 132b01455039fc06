#include "sim/backlog.hpp"

#include <cmath>
#include <map>
#include <vector>

#include "sim/service.hpp"

namespace faelled::sim {
namespace {

constexpr double step_s = 10;
constexpr double backlogged_part = 0.95;

struct Cell {
  double service = 0;  // for its share
  double queued_s = 0;
};

// Windows by members, as far as anything happened in them.
class Windows {
 public:
  Windows(std::size_t members, double horizon_s) : rows_(members), horizon_s_(horizon_s) {}

  // Calls `add(cell, seconds)` for each window that the time touches.
  void touch(std::uint32_t member, Interval time, auto&& add) {
    const double first = std::max(0.0, std::floor((time.low - warm_up_s - window_s) / step_s) + 1);
    for (double i = first;; ++i) {
      const double low = warm_up_s + i * step_s;
      if (low >= time.high || low + window_s > horizon_s_) return;
      if (const double part = time.within(low, low + window_s); part > 0)
        add(cells_.try_emplace(static_cast<std::uint64_t>(i), rows_).first->second[member], part);
    }
  }
  const auto& cells() const { return cells_; }

 private:
  std::vector<Cell> rows_;
  double horizon_s_;
  std::map<std::uint64_t, std::vector<Cell>> cells_;
};

void add_queues(const Result& result, std::span<const WorldMember> members, Windows& windows) {
  std::vector<std::vector<Interval>> waited(result.members.size());
  for (const Outcome& outcome : result.outcomes) {
    const auto wait = outcome.served ? std::optional(outcome.served->first_token) : members[outcome.member].wait_max;
    if (!wait) continue;
    const double at = seconds(outcome.at);
    waited[outcome.member].push_back({at, at + seconds(*wait)});
  }
  for (std::uint32_t member = 0; member < waited.size(); ++member) {
    std::ranges::sort(waited[member], {}, &Interval::low);
    double until = 0;  // no second counts twice
    for (Interval time : waited[member]) {
      time.low = std::max(time.low, until);
      if (time.high <= time.low) continue;
      until = time.high;
      windows.touch(member, time, [](Cell& cell, double part_s) { cell.queued_s += part_s; });
    }
  }
}

}  // namespace

Backlogged backlogged(const Result& result, const WorkPrice& price, std::span<const WorldMember> members,
                      Duration horizon) {
  Windows windows(result.members.size(), seconds(horizon));
  for (const Outcome& outcome : result.outcomes) {
    if (!outcome.served) continue;
    const Interval time = service_time(outcome);
    if (time.length() <= 0) continue;
    const double rate = work_of(outcome, price) / members[outcome.member].share / time.length();
    windows.touch(outcome.member, time, [&](Cell& cell, double part_s) { cell.service += rate * part_s; });
  }
  add_queues(result, members, windows);

  double part = 0, jain = 0;
  std::size_t parts = 0, all_backlogged = 0;
  for (const auto& [window, row] : windows.cells()) {
    double most = 0, total = 0, squares = 0;
    std::size_t count = 0;
    for (const Cell& cell : row) {
      most = std::max(most, cell.service);
      total += cell.service;
      squares += cell.service * cell.service;
    }
    if (most <= 0) continue;
    for (const Cell& cell : row) {
      if (cell.queued_s < backlogged_part * window_s) continue;
      part += cell.service / most;
      ++count;
    }
    parts += count;
    if (count < members.size()) continue;
    jain += total * total / (static_cast<double>(members.size()) * squares);
    ++all_backlogged;
  }
  Backlogged out;
  if (parts > 0) out.share = part / static_cast<double>(parts);
  if (all_backlogged > 0) out.jain = jain / static_cast<double>(all_backlogged);
  return out;
}

}  // namespace faelled::sim
