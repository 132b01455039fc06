// Client: requests to engines over kept-alive connections, one pool per endpoint, bounded. An Exchange is one request
// and its answer; dropping it before its end closes the connection, which is how an engine learns that nobody listens.
// Owned by main(); loop's thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "crypto/tls_files.hpp"
#include "net/stream.hpp"
#include "net/task.hpp"

namespace faelled::net {
class Loop;
}

namespace faelled::http {

// Where to connect: a unix socket if `unix_path` is set, else TCP, with `tls` under TLS. `host` and `port` fill the
// Host header, and the server's certificate must be for `host`.
struct Address {
  std::string unix_path;
  std::string host = "localhost";
  std::uint16_t port = 0;
  bool tls = false;
  crypto::TlsClientFiles files{};  // read at the next connection when they have changed
  bool operator==(const Address&) const = default;
};

class Client {
 public:
  explicit Client(net::Loop& loop, Duration connect_max = limits::upstream_connect_max);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  class Exchange {
   public:
    struct Impl;
    explicit Exchange(std::unique_ptr<Impl> impl);
    ~Exchange();
    Exchange(Exchange&&) noexcept;
    Exchange& operator=(Exchange&&) noexcept;

    // Connects or takes an idle connection and sends the request whole. `headers`: lines that each end with CRLF,
    // without Host and Content-Length. Errors: unavailable, timeout (connect_max), cancelled.
    net::Task<Expected<void>> send(std::string_view method, std::string_view target, std::string_view headers,
                                   std::string_view body);
    // Reads until the head is there: the status. A kept-alive connection that the engine closed meanwhile is replaced
    // once.
    net::Task<Expected<int>> head();
    std::string_view header(std::string_view name) const;
    // Appends what comes next to `body`; false: the answer is complete and nothing was appended. Errors: the connection
    // broke (unavailable), was cancelled (cancelled), or spoke no HTTP (io).
    net::Task<Expected<bool>> read(std::string& body);
    // The whole rest, at most `bytes_max` (too_large beyond).
    net::Task<Expected<std::string>> read_all(std::size_t bytes_max);
    // True: the answer is complete, and its connection has gone back to the pool.
    bool settle();
    // Wakes whoever waits in here with Errc::cancelled and closes the connection. Safe at any time.
    void cancel();

   private:
    std::unique_ptr<Impl> impl_;
  };

  Exchange open(Address address);

  // A short request with one deadline for all of it, for probes and control calls.
  struct Answer {
    int status = 0;
    std::string body;
  };
  net::Task<Expected<Answer>> ask(Address address, std::string method, std::string target, std::string headers,
                                  std::string body, Duration within, std::size_t bytes_max);

  // Closes idle connections to an engine that is gone; to one on a unix socket under whatever host name.
  void forget(const Address& address);

 private:
  struct Pool;
  friend struct Exchange::Impl;
  std::shared_ptr<Pool> pool_;  // shared with the exchanges under way, which may outlive the client by a turn
};

}  // namespace faelled::http
