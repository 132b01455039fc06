// RefusalLog: keeps a flood of refusals from becoming a flood of log lines. The first from an address is said in full,
// the rest of its interval in one line at the interval's end. The table is bounded; addresses beyond it share one line.
// Counting is all it does per refusal, so that turning somebody away stays cheap. Owned by who refuses; loop's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "net/timer.hpp"
#include "observe/log.hpp"

namespace faelled::gateway {

// Who was refused how often within one interval. Pure.
class RefusalCounts {
 public:
  explicit RefusalCounts(std::size_t addresses_max) : addresses_max_(addresses_max) {}

  // `peer`: "203.0.113.9:4711" or "203.0.113.9 by 10.0.0.5:80". True: the first of its address.
  bool add(std::string_view peer);

  struct Sum {
    std::string address;  // "others": those beyond the table
    std::uint64_t more;   // than the one that was said in full
  };
  // Those with more than was said; begins anew.
  std::vector<Sum> take();
  bool empty() const { return counts_.empty() && others_ == 0; }

 private:
  std::size_t addresses_max_;
  std::unordered_map<std::string, std::uint64_t> counts_;
  std::uint64_t others_ = 0;
};

class RefusalLog {
 public:
  // `summary` is the message of the lines at an interval's end.
  RefusalLog(net::Loop& loop, observe::Log& log, std::string summary, Duration interval = limits::refusals_log_every);

  // True: write a line about this one.
  bool add(std::string_view peer);

 private:
  void sum_up();

  observe::Log& log_;
  std::string summary_;
  Duration interval_;
  RefusalCounts counts_;
  net::Timer timer_;
};

}  // namespace faelled::gateway
