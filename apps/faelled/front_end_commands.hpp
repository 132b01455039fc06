// The commands about shared front ends: which there are, and what would come of a token.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace faelled::app {

// `config` is bound to their --config; `status` becomes the exit status.
void add_front_end_commands(CLI::App& app, std::string& config, int& status);

}  // namespace faelled::app
