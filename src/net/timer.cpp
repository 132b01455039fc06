#include "net/timer.hpp"

#include "net/impl.hpp"
#include "net/loop.hpp"

namespace faelled::net {

Timer::Timer(Loop& loop, std::function<void()> due) : loop_(loop), entry_(std::make_shared<TimerEntry>()) {
  entry_->due = std::move(due);
}

Timer::~Timer() { loop_.impl().timers.drop(*entry_); }

void Timer::arm(Duration from_now) { arm_at(loop_.now() + from_now); }

void Timer::arm_at(Instant deadline) { loop_.impl().timers.arm(entry_, deadline); }

void Timer::cancel() { entry_->deadline = TimerEntry::never; }

bool Timer::armed() const { return entry_->deadline != TimerEntry::never; }

}  // namespace faelled::net
