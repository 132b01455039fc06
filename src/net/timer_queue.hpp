// TimerQueue: all timers of one loop behind one system timer. A request arms and drops several deadlines that never
// pass; here that costs a node in a tree and no system call, because the system timer is only ever set earlier, and one
// that fires for a deadline that has moved or gone just looks again. Owned by the loop; its thread.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>

#include "base/clock.hpp"

namespace faelled::net {

struct TimerEntry {
  static constexpr Instant never = Instant::max();
  std::function<void()> due;
  Instant deadline = never;
  Instant looked_at = never;  // the key of its node; never: it has none
  std::multimap<Instant, std::shared_ptr<TimerEntry>>::iterator node;
};

class TimerQueue {
 public:
  explicit TimerQueue(boost::asio::io_context& context) : system_(context) {}

  // Deadlines that move later keep their node, which is looked at once too early.
  void arm(const std::shared_ptr<TimerEntry>& entry, Instant deadline);
  void drop(TimerEntry& entry);

 private:
  void insert(const std::shared_ptr<TimerEntry>& entry);
  void set_system_timer();
  void fire();

  boost::asio::steady_timer system_;
  Instant system_at_ = TimerEntry::never;
  std::multimap<Instant, std::shared_ptr<TimerEntry>> nodes_;
};

}  // namespace faelled::net
