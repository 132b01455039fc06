// `faelled store …`: what an operator does to the database itself, without a running server. Exit status 0 or 1.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/error.hpp"
#include "config/config.hpp"
#include "invocation.hpp"

namespace faelled::app {

void add_store_commands(CLI::App& app, Invocation& invocation);

// One line: which store the configuration names; of PostgreSQL whether it answers, and its schema. Changes nothing.
// Errors: not_found (SQLite's file is not there), PostgreSQL's.
Expected<std::string> look_at_store(const config::Config& config);

}  // namespace faelled::app
