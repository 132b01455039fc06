// What tests over real sockets share: run a task on a loop until it ends, and a Peer that speaks plain bytes. Only
// tests include this file.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "net/listener.hpp"
#include "net/loop.hpp"
#include "net/stream.hpp"
#include "net/task.hpp"
#include "net/timer.hpp"

namespace faelled::net {

inline constexpr auto test_patience = std::chrono::seconds(20);  // only a broken test waits so long

inline Task<void> stop_after(Task<void> task, bool& ended, Loop& loop) {
  co_await std::move(task);
  ended = true;
  loop.stop();
}

inline void run(Loop& loop, Task<void> task) {
  bool ended = false;
  Timer watchdog(loop, [&loop] {
    ADD_FAILURE() << "the test still waits for something";
    loop.stop();
  });
  watchdog.arm(test_patience);
  loop.spawn(stop_after(std::move(task), ended, loop));
  if (!ended) loop.run();
}

// Until `happened`: one turn of the loop after the other.
inline Task<void> turns_until(Loop& loop, std::function<bool()> happened) {
  const Instant latest = loop.now() + test_patience / 2;
  while (!happened() && loop.now() < latest) co_await loop.sleep(std::chrono::milliseconds(1));
  EXPECT_TRUE(happened()) << "it did not happen";
}

class Peer {
 public:
  explicit Peer(Stream stream) : stream_(std::move(stream)) {}

  static Task<Peer> tcp(Loop& loop, std::uint16_t port) {
    auto stream = co_await connect_tcp(loop, "127.0.0.1", port, test_patience);
    co_return Peer(std::move(stream.value()));
  }

  Task<void> say(std::string bytes) { co_await stream_.write_all(bytes); }

  // Reads on until `got` contains `text`; false: the other side ended first.
  Task<bool> hears(std::string text) {
    while (!got.contains(text))
      if (!co_await more()) co_return false;
    co_return true;
  }
  // Everything until the other side ends.
  Task<std::string> all() {
    while (co_await more()) {
    }
    co_return got;
  }
  Task<bool> more() {
    char buffer[16 * 1024];
    while (true) {
      IoResult read = stream_.try_read(buffer);
      if (read.ok() && read.bytes == 0) {
        read = co_await stream_.readable();
        if (read.ok()) continue;
      }
      if (!read.ok()) co_return false;
      got.append(buffer, read.bytes);
      co_return true;
    }
  }
  void hang_up() { stream_.close(); }
  void half_close() { stream_.shutdown_write(); }
  Stream& stream() { return stream_; }

  std::string got;

 private:
  Stream stream_;
};

}  // namespace faelled::net
