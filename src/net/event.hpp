// Event: one coroutine waits, anybody on the loop's thread sets. Setting before the wait is remembered once; setting
// resumes the waiter at once, on the setter's stack, so set it last. The meaning of the wake-up is the owner's state.
#pragma once

#include <coroutine>
#include <utility>

#include "base/check.hpp"

namespace faelled::net {

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void set() {
    if (waiter_) {
      std::exchange(waiter_, nullptr).resume();
    } else {
      set_ = true;
    }
  }

  bool await_ready() { return std::exchange(set_, false); }
  void await_suspend(std::coroutine_handle<> waiter) {
    FAELLED_CHECK(!waiter_, "an Event has one waiter");
    waiter_ = waiter;
  }
  void await_resume() const noexcept {}

 private:
  std::coroutine_handle<> waiter_;
  bool set_ = false;
};

}  // namespace faelled::net
