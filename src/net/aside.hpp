// Aside: one long job at a time on a thread of its own, so that neither the event loop nor the store waits for it. A
// second one is refused: whoever asks a question that takes seconds can ask again. Owned by whoever asks; called on the
// loop's thread, and so is `then`. Its destructor waits for what runs, and nobody is told of it any more: a job is
// bounded by whom gives it.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/error.hpp"
#include "net/loop.hpp"

namespace faelled::net {

class Aside {
 public:
  explicit Aside(Loop& loop) : loop_(loop) {}
  ~Aside();
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  // A job runs, or has ended and `then` was not told yet.
  bool busy() const { return busy_; }

  // `job` may hold nothing of ours. Errors that reach `then`: the job's, exhausted (another one runs).
  template <class T>
  void ask(std::function<Expected<T>()> job, std::function<void(Expected<T>)> then) {
    if (busy_)
      return loop_.post([weak = std::weak_ptr(self_), then] {
        if (weak.expired()) return;
        then(fail(Errc::exhausted, "another question like this is being worked out", "ask again in a few seconds"));
      });
    begin([this, job = std::move(job), then = std::move(then)] {
      auto given = std::make_shared<Expected<T>>(job());
      return [this, then, given] {
        busy_ = false;
        then(std::move(*given));
      };
    });
  }

 private:
  // Runs `work` on the thread, and what it gives on the loop.
  void begin(std::function<std::function<void()>()> work);

  Loop& loop_;
  bool busy_ = false;
  std::thread thread_;
  std::shared_ptr<Aside*> self_ = std::make_shared<Aside*>(this);  // what is posted looks whether we are still there
};

}  // namespace faelled::net
