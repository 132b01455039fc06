// Listeners: where the server is reached: without TLS, under it, and through the owner's socket. Bound at start, so
// that a server that cannot be reached does not begin; nobody is answered before serve(). Owned by run(); loop's
// thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/server.hpp"
#include "net/listener.hpp"
#include "process.hpp"
#include "store/data_folder.hpp"
#include "tls.hpp"

namespace faelled::app {

class Listeners {
 public:
  // Errors: the addresses' and the certificate's.
  static Expected<Listeners> open(const Process& process, const store::DataFolder& folder);

  // Hands them over.
  void serve(http::Server& server);

  // Where clients are to come, and where this machine finds it.
  const std::string& url() const { return url_; }
  const std::string& local_url() const { return local_url_; }
  const std::string& plain_url() const { return plain_url_; }  // beside one under TLS; empty: there is none
  const TlsEdge* tls() const { return tls_.get(); }            // nullptr: nobody is served under TLS

 private:
  Listeners() = default;

  std::optional<net::Listener> plain_;
  std::optional<net::Listener> secure_;  // one of its own where TLS has an address, else the only one
  std::optional<net::Listener> owner_;
  std::unique_ptr<TlsEdge> tls_;
  std::string url_;
  std::string local_url_;
  std::string plain_url_;
};

}  // namespace faelled::app
