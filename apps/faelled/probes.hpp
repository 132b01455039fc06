// Probes: the operator's addresses: no key, no content, no secret in any of them. Owned by Front; loop's thread.
#pragma once

#include "gateway/context.hpp"
#include "http/server.hpp"
#include "storage.hpp"

namespace faelled::app {

class Probes {
 public:
  Probes(gateway::Context& context, const Storage& storage) : context_(context), storage_(storage) {}

  // False: it is another address, and nothing was answered.
  bool handle(const http::Request& request, http::Reply& reply) const;

 private:
  void ready(http::Reply& reply) const;

  gateway::Context& context_;
  const Storage& storage_;
};

}  // namespace faelled::app
