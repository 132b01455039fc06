// Invocation: one call of the program, as every command needs it. main() owns it; it outlives the parsing.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace faelled::app {

struct Invocation {
  std::string config;   // where --config does not say another
  std::string version;  // the program's
  int status = 0;       // the exit status, as the command's work gives it
};

inline void add_config(CLI::App& command, Invocation& invocation,
                       const std::string& help = "The configuration file (also FAELLED_CONFIG)") {
  command.add_option("--config", invocation.config, help)->capture_default_str();
}

}  // namespace faelled::app
