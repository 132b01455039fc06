// Command: how one engine process is started. A value.
#pragma once

#include <string>
#include <vector>

namespace faelled::engines {

struct Command {
  std::string program;
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // "NAME=value", all of it
  bool operator==(const Command&) const = default;
};

}  // namespace faelled::engines
