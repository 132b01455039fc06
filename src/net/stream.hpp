// Stream: one connected TCP or unix socket, plain or, after start_tls(), under TLS; whoever reads and writes need not
// know which. One reader and one writer at a time. close() ends whatever waits, which then sees IoStatus::closed; that
// is how deadlines and hang-ups cancel. Owned by its connection; loop's thread.
#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "net/task.hpp"

namespace faelled::crypto {
class TlsSession;
struct Certificate;
}  // namespace faelled::crypto

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

  // Both sides' handshake; the stream may not be moved meanwhile. Errors: timeout after `within`, cancelled by close(),
  // unavailable with what is wrong with the other side. After an error the stream is of no use but to be closed.
  Task<Expected<void>> start_tls(Loop& loop, crypto::TlsSession session, Duration within);
  bool is_tls() const;
  // What the other side has proven to be; null: nothing.
  const crypto::Certificate* peer_certificate() const;
  // Why what came under TLS could not be read or written, in words for an operator; empty: it was not TLS that failed.
  std::string_view tls_failure() const;
  // The other side began in plain HTTP where TLS was expected. What is written to it now goes out as it is.
  bool began_in_plain_http();

  // Reads what is there now into `into`; 0 bytes with ok: nothing is, wait for readable().
  IoResult try_read(std::span<char> into);

  struct ReadyAwaiter {
    Impl& stream;
    bool for_write;
    IoResult result;
    bool await_ready();
    void await_suspend(std::coroutine_handle<> waiter);
    IoResult await_resume() const noexcept { return result; }
  };
  struct ReadAwaiter {
    Impl& stream;
    std::span<char> into;
    IoResult result;
    bool await_ready();
    void await_suspend(std::coroutine_handle<> waiter);
    IoResult await_resume() const noexcept { return result; }
  };
  // Waits and reads in one: a system call less than readable() and try_read(), for a buffer that is held meanwhile.
  // `into` filled to its end: there may be more.
  ReadAwaiter read_some(std::span<char> into) { return {*impl_, into, {}}; }

  // Waiting needs no buffer, so ten thousand quiet connections hold none.
  ReadyAwaiter readable() { return {*impl_, false, {}}; }
  ReadyAwaiter writable() { return {*impl_, true, {}}; }

  // Writes what the kernel takes now; 0 bytes with ok: it takes none, wait for writable(). What was not taken must be
  // given again as it was, with more behind it at most: under TLS a part of it may be on its way already.
  IoResult try_write(std::string_view data);

  // All of `data`, which must live until then.
  Task<IoResult> write_all(std::string_view data);

  void close();
  // Sends FIN and stops reading; what was written is still delivered. `whole`: under TLS the other side is told first
  // that this was all; without that word it knows a broken answer from a whole one.
  void shutdown_write(bool whole = true);
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
