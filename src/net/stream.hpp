// Stream: one connected TCP or unix socket. One reader and one writer at a time. close() ends whatever waits, which
// then sees IoStatus::closed; that is how deadlines and hang-ups cancel. Owned by its connection; loop's thread.
#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "net/task.hpp"

namespace faelled::net {

class Loop;

enum class IoStatus : std::uint8_t { ok, eof, closed, failed };

struct IoResult {
  IoStatus status = IoStatus::closed;
  std::size_t bytes = 0;
  bool ok() const { return status == IoStatus::ok; }
};

class Stream {
 public:
  struct Impl;
  explicit Stream(std::unique_ptr<Impl> impl);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  // Reads what is there now into `into`; 0 bytes with ok: nothing is, wait for readable().
  IoResult try_read(std::span<char> into);

  struct ReadyAwaiter {
    Impl& stream;
    bool for_write;
    IoResult result;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter);
    IoResult await_resume() const noexcept { return result; }
  };
  struct ReadAwaiter {
    Impl& stream;
    std::span<char> into;
    IoResult result;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter);
    IoResult await_resume() const noexcept { return result; }
  };
  // Waits and reads in one: a system call less than readable() and try_read(), for a buffer that is held meanwhile.
  // `into` filled to its end: there may be more.
  ReadAwaiter read_some(std::span<char> into) { return {*impl_, into, {}}; }

  // Waiting needs no buffer, so ten thousand quiet connections hold none.
  ReadyAwaiter readable() { return {*impl_, false, {}}; }
  ReadyAwaiter writable() { return {*impl_, true, {}}; }

  // Writes what the kernel takes now; 0 bytes with ok: it takes none, wait for writable().
  IoResult try_write(std::string_view data);

  // All of `data`, which must live until then.
  Task<IoResult> write_all(std::string_view data);

  void close();
  // Sends FIN and stops reading; what was written is still delivered.
  void shutdown_write();
  bool is_open() const;
  // "127.0.0.1:52814", or "unix".
  std::string peer() const;

 private:
  std::unique_ptr<Impl> impl_;
};

// Ends a connect that is under way, and every later one it is given to. Owned by whoever may lose interest.
class GiveUp {
 public:
  void now() {
    given_up_ = true;
    if (act_) std::exchange(act_, nullptr)();
  }
  bool given_up() const { return given_up_; }

  std::function<void()> act_;  // set by the wait under way

 private:
  bool given_up_ = false;
};

// `host` is an address or a name (resolved off the loop's thread; each of its addresses is tried). Errors: unavailable,
// timeout after `within`, cancelled by `give_up`, invalid (a path too long).
Task<Expected<Stream>> connect_tcp(Loop& loop, std::string host, std::uint16_t port, std::chrono::nanoseconds within,
                                   GiveUp* give_up = nullptr);
Task<Expected<Stream>> connect_unix(Loop& loop, std::string path, std::chrono::nanoseconds within,
                                    GiveUp* give_up = nullptr);

}  // namespace faelled::net
