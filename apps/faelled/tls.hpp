// TLS as the configuration asks for it: what is wrong with its files, and the server's end of it while it runs.
#pragma once

#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "config/config.hpp"
#include "gateway/refusal_log.hpp"
#include "http/server.hpp"
#include "net/tls_credentials.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"

namespace faelled::app {

struct TlsFindings {
  std::vector<config::Problem> unusable;     // no server can start with it
  std::vector<config::Problem> out_of_date;  // it starts, and its clients refuse it
  std::vector<config::Problem> warnings;
  std::vector<config::Problem> lasting;  // no problem: until when each of the other certificates is good
};

// Reads every certificate, key and authority that the configuration names.
TlsFindings look_at_tls(const config::Config& config, WallTime now);

// Keeps the server's certificate, tells log and metrics how it stands, and counts who was turned away. Owned by run().
class TlsEdge {
 public:
  static Expected<std::unique_ptr<TlsEdge>> open(const config::Tls& tls, net::Loop& loop, observe::Log& log,
                                                 observe::Metrics& metrics, const Clock& clock);
  // Serves `listener` under TLS from now on.
  void serve(http::Server& server, net::Listener listener);
  // What is served now.
  const crypto::Certificate& certificate() const { return credentials_->current()->own(); }

 private:
  TlsEdge(net::Loop& loop, observe::Log& log, const Clock& clock);
  void looked(const crypto::TlsFault* fault);
  double days_left() const;

  observe::Log& log_;
  const Clock& clock_;
  gateway::RefusalLog refusals_;
  std::unique_ptr<net::TlsCredentials> credentials_;
  http::Server* server_ = nullptr;
};

}  // namespace faelled::app
