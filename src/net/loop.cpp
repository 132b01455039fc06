#include "net/loop.hpp"

#include <cstdio>
#include <cstdlib>

#include "net/event.hpp"
#include "net/impl.hpp"
#include "net/timer.hpp"

namespace faelled::net {
namespace {

struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {
      try {
        throw;
      } catch (const std::exception& e) {
        std::fprintf(stderr, "faelled: an exception left a task: %s\n", e.what());
      } catch (...) {
        std::fprintf(stderr, "faelled: an unknown exception left a task\n");
      }
      std::abort();
    }
  };
};

Detached run_detached(Task<void> task) { co_await std::move(task); }

}  // namespace

struct Loop::Hold::Guard {
  asio::executor_work_guard<asio::io_context::executor_type> work;
};

Loop::Hold::Hold(Loop& loop) : guard_(new Guard{asio::make_work_guard(loop.impl().context)}) {}
Loop::Hold::~Hold() = default;

Loop::Loop() : impl_(std::make_unique<LoopImpl>()) {}
Loop::~Loop() = default;

void Loop::run() {
  impl_->context.restart();
  impl_->context.run();
}

void Loop::stop() { impl_->context.stop(); }

void Loop::post(std::function<void()> work) { asio::post(impl_->context, std::move(work)); }

void Loop::spawn(Task<void> task) { run_detached(std::move(task)); }

Task<void> Loop::sleep(Duration wait) {
  Event due;
  Timer timer(*this, [&due] { due.set(); });
  timer.arm(wait);
  co_await due;
}

std::span<char> Loop::scratch() { return impl_->scratch; }

Instant Loop::now() const { return std::chrono::steady_clock::now(); }

}  // namespace faelled::net
