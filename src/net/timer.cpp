#include "net/timer.hpp"

#include "net/impl.hpp"
#include "net/loop.hpp"

namespace faelled::net {

struct Timer::State : std::enable_shared_from_this<Timer::State> {
  State(Loop& owner, std::function<void()> callback)
      : loop(owner), timer(owner.impl().context), due(std::move(callback)) {}

  static constexpr Instant never = Instant::max();

  Loop& loop;
  asio::steady_timer timer;
  std::function<void()> due;
  Instant deadline = never;
  Instant wakes = never;  // when the system timer fires
  bool alive = true;

  void wait() {
    wakes = deadline;
    timer.expires_at(deadline);
    timer.async_wait([self = shared_from_this()](const error_code& error) {
      if (error || !self->alive) return;
      self->wakes = never;
      if (self->deadline == never) return;
      if (self->loop.now() < self->deadline) return self->wait();
      self->deadline = never;
      self->due();
    });
  }
};

Timer::Timer(Loop& loop, std::function<void()> due) : state_(std::make_shared<State>(loop, std::move(due))) {}

Timer::~Timer() {
  state_->alive = false;
  if (state_->wakes != State::never) state_->timer.cancel();
}

void Timer::arm(Duration from_now) { arm_at(state_->loop.now() + from_now); }

void Timer::arm_at(Instant deadline) {
  state_->deadline = deadline;
  if (deadline < state_->wakes) state_->wait();
}

void Timer::cancel() { state_->deadline = State::never; }

bool Timer::armed() const { return state_->deadline != State::never; }

}  // namespace faelled::net
