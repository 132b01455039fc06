// Front: what clients, people and probes meet: the gateway under /v1, the portal with its API and pages, and one HTTP
// server that tells them apart. What stands further down uses what stands above it, and ends first. Owned by run();
// loop's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "front_ends/front_ends.hpp"
#include "gateway/gateway.hpp"
#include "http/server.hpp"
#include "keepers.hpp"
#include "listeners.hpp"
#include "pool.hpp"
#include "portal/portal.hpp"
#include "probes.hpp"
#include "process.hpp"
#include "storage.hpp"

namespace faelled::app {

class Front {
 public:
  struct Parts {
    const Process& process;
    const Storage& storage;
    members::Directory& directory;
    const gateway::Catalogue& catalogue;
    Pool& pool;
    Keepers& keepers;
    const Listeners& listeners;
  };
  // At start, before the loop runs. Errors: io and invalid, for the secrets of front ends; the store's.
  static Expected<std::unique_ptr<Front>> open(const Parts& parts);
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  gateway::Context context;

 private:
  Front(const Parts& parts, std::vector<front_ends::FrontEnd> known);
  portal::ServerFacts facts(const Parts& parts) const;
  net::Task<void> handle(const http::Request& request, http::Reply& reply);

  front_ends::FrontEnds front_ends_;
  gateway::Gateway gateway_;
  Probes probes_;

 public:
  portal::Portal portal;
  http::Server server;
};

}  // namespace faelled::app
