// Timer: a deadline that moves cheaply. Deadlines of connections move at every request and almost never pass, so moving
// one later only writes a number: the loop's one system timer looks at it when it fires (see timer_queue.hpp).
// Owned by whoever the deadline protects; destroying it forgets it. Loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.hpp"

namespace faelled::net {

class Loop;
struct TimerEntry;

class Timer {
 public:
  // `due` runs on the loop when the deadline passes; it may arm this timer again or destroy it.
  Timer(Loop& loop, std::function<void()> due);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void arm(Duration from_now);
  void arm_at(Instant deadline);
  void cancel();
  bool armed() const;

 private:
  Loop& loop_;
  std::shared_ptr<TimerEntry> entry_;  // the loop's queue holds it too while it is to be looked at
};

}  // namespace faelled::net
