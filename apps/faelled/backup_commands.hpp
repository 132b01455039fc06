// backup, restore: commands that work on the data folder itself, with or without a running server.
#pragma once

#include <CLI/CLI.hpp>

#include "invocation.hpp"

namespace faelled::app {

void add_backup_commands(CLI::App& app, Invocation& invocation);

}  // namespace faelled::app
