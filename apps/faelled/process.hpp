// Process: what there is once in a process and every part of the server works with. run() owns it all; it outlives
// them.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "config/config.hpp"
#include "http/client.hpp"
#include "net/loop.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"

namespace faelled::app {

struct Process {
  const config::Config& config;
  const std::string& version;
  const Clock& clock;
  net::Loop& loop;
  Random& random;
  observe::Log& log;
  observe::Metrics& metrics;
  http::Client& client;
};

}  // namespace faelled::app
