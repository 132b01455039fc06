// `faelled apply` and `faelled agreement`: what members are promised, as a file says it and as it is.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace faelled::app {

void add_agreement_commands(CLI::App& app, std::string& config, int& status);

}  // namespace faelled::app
