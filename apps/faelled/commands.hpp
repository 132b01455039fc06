// The commands that talk to a running server: thin over the control API, through the owner-only socket.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "invocation.hpp"

namespace faelled::app {

// FAELLED_CONFIG, or faelled.yaml.
std::string default_config();

// Adds usage, audit, member, user, key, node, model and more.
void add_commands(CLI::App& app, Invocation& invocation);

}  // namespace faelled::app
