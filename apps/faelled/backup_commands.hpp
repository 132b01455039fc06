// backup, restore: commands that work on the data folder itself, with or without a running server.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace faelled::app {

void add_backup_commands(CLI::App& app, std::string& config, const std::string& version, int& status);

}  // namespace faelled::app
