// serve(): builds the world of one process and runs it: gateway, mesh and node on one loop. Knows everybody, decides
// nothing.
#pragma once

#include <string>

namespace faelled::app {

struct ServeOptions {
  std::string config;
  std::string version;
  bool demo = false;
  bool json = false;
};

// Exit status: 0 after an orderly end, 1 where it could not start (said on standard error, with the way out).
int serve(const ServeOptions& options);

}  // namespace faelled::app
