// Unkept: counts what is under way to the store and should reach it before the server ends. Owned by the Desk; loop's
// thread.
#pragma once

#include <cstddef>

#include "base/clock.hpp"
#include "net/event.hpp"
#include "net/loop.hpp"
#include "net/task.hpp"
#include "net/timer.hpp"

namespace faelled::portal {

class Unkept {
 public:
  void begin() { ++count_; }
  void end() {
    if (--count_ == 0) none_.set();
  }

  // Until nothing is under way any more, or `within` is over. One waits.
  net::Task<void> settled(net::Loop& loop, Duration within) {
    bool late = false;
    net::Timer deadline(loop, [&] {
      late = true;
      none_.set();
    });
    deadline.arm(within);
    while (count_ > 0 && !late) co_await none_;
  }

 private:
  std::size_t count_ = 0;
  net::Event none_;
};

}  // namespace faelled::portal
