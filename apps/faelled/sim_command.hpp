// sim: a trace played in a simulated world, and the traces of published workloads. Works on files; needs no server.
#pragma once

#include <CLI/CLI.hpp>

#include "invocation.hpp"

namespace faelled::app {

void add_sim_command(CLI::App& app, Invocation& invocation);

}  // namespace faelled::app
