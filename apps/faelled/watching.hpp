// Looks again and again at what a running server tells: a terminal is drawn anew each time, anything else gets one
// block per change. Blocking; for the command line, which Ctrl-C ends.
#pragma once

#include <functional>
#include <ostream>
#include <string>

#include "base/error.hpp"

namespace faelled::app {

struct Watching {
  std::function<Expected<std::string>()> look;                 // the server's answer
  std::function<std::string(const std::string&)> show;         // as people read it
  std::function<std::string(const std::string&)> standing_of;  // what of it counts as a change
};

// `again` waits, and says whether to look once more. The exit status.
int watch(const Watching& watching, bool terminal, std::ostream& out, const std::function<bool()>& again);

// Standard output, once a second, until Ctrl-C.
int watch(const Watching& watching);

}  // namespace faelled::app
