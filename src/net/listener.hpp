// Listener: accepts connections on a TCP address or a unix socket. Owned by its server; loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "net/stream.hpp"

namespace faelled::net {

class Loop;

class Listener {
 public:
  struct Impl;
  explicit Listener(std::shared_ptr<Impl> impl);
  ~Listener();
  Listener(Listener&&) noexcept;

  // Port 0 takes a free one; see port(). Errors say which address and why.
  static Expected<Listener> tcp(Loop& loop, const std::string& host, std::uint16_t port);
  // Readable and writable by the owner alone (0600). A left-over socket that nobody listens on is replaced.
  static Expected<Listener> unix_socket(Loop& loop, const std::string& path);

  // Hands every connection to `accepted` until close(). Out of file descriptors: pauses 50 ms, loses nobody in line.
  void start(std::function<void(Stream)> accepted);
  void close();
  std::uint16_t port() const;

 private:
  std::shared_ptr<Impl> impl_;  // shared with the accept under way
};

}  // namespace faelled::net
