// TlsCredentials: the certificate that new connections get, read again when its files change. A pair that cannot be
// used never takes the place of one that can, so a renewal that goes wrong costs nobody a connection until the old one
// runs out. Files are looked at by time, inode and size, and read a look after the last change: a certificate and its
// key are two files and are not written in one stroke. Owned by main(); loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/limits.hpp"
#include "crypto/tls_files.hpp"
#include "net/timer.hpp"

namespace faelled::net {

class TlsCredentials {
 public:
  // After each reading; null: it went well, and current() is the new one.
  using Looked = std::function<void(const crypto::TlsFault*)>;

  static std::expected<std::unique_ptr<TlsCredentials>, crypto::TlsFault> open(
      Loop& loop, crypto::TlsServerFiles files, Looked looked, Duration look_every = limits::tls_look_every);

  const std::shared_ptr<const crypto::TlsContext>& current() const { return current_; }
  // The files as they are now cannot be used; current() is of before.
  bool newest_is_broken() const { return broken_; }

 private:
  TlsCredentials(Loop& loop, crypto::TlsServerFiles files, Looked looked, Duration look_every);
  void look();

  crypto::TlsServerFiles files_;
  Looked looked_;
  Duration look_every_;
  std::shared_ptr<const crypto::TlsContext> current_;
  std::string read_;  // stamp of what was read last
  std::string seen_;  // stamp at the last look
  bool broken_ = false;
  Timer timer_;
};

}  // namespace faelled::net
