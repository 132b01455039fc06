// Loop: one thread's event loop. Everything of the data plane lives on it; other threads reach it through post().
// Owned by main(). Asio is behind it and seen by no other folder.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "base/clock.hpp"
#include "net/task.hpp"

namespace faelled::net {

struct LoopImpl;

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop(), or until nothing is left to wait for and nobody holds the loop open.
  void run();
  // Any thread.
  void stop();
  // Any thread: runs `work` on the loop's thread, later, never inside this call.
  void post(std::function<void()> work);
  // Loop's thread: starts `task` now; the frame frees itself at its end. An exception that leaves it ends the process.
  void spawn(Task<void> task);
  // Suspends for `wait`; accurate to a millisecond.
  Task<void> sleep(Duration wait);
  Instant now() const;
  // Bytes to read into and copy from before the next suspension; shared by all of the loop.
  std::span<char> scratch();

  // Keeps run() from returning while nothing is pending, for a loop that only gets work through post().
  class Hold {
   public:
    explicit Hold(Loop& loop);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    struct Guard;
    std::unique_ptr<Guard> guard_;
  };

  LoopImpl& impl() { return *impl_; }

 private:
  std::unique_ptr<LoopImpl> impl_;
};

}  // namespace faelled::net
