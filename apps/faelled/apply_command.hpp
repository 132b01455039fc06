// `faelled apply`: tiers and agreements as one file says them. The difference is shown first; a second run says that
// there is nothing to do.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace faelled::app {

void add_apply_command(CLI::App& app, std::string& config, int& status);

}  // namespace faelled::app
