// The first minutes with Fælled: a member, a user who sees all that an administrator sees, a key and a link.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "gateway/context.hpp"
#include "members/directory.hpp"
#include "net/loop.hpp"

namespace faelled::app {

struct Demo {
  std::string sign_in;
  std::string key;
};

// Runs the loop until the store has answered.
Expected<Demo> make_demo(net::Loop& loop, members::Directory& directory, const Clock& clock, const std::string& url);

// Says on standard output how to begin, once the first model is ready; or on standard error that it cannot be served.
net::Task<void> greet(bool as_json, gateway::Context& context, std::string url, Demo demo);

}  // namespace faelled::app
