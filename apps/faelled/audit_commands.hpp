// audit replay, heads and forget: the decision log checked and run again. Works on files; needs no server.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace faelled::app {

// Below `audit`. `config` is bound to their --config; `status` becomes the exit status.
void add_decision_audit(CLI::App& audit, std::string& config, int& status);

}  // namespace faelled::app
