// Which commands there are below the program's own and below each other, one function per file.
#pragma once

#include <CLI/CLI.hpp>

#include "invocation.hpp"

namespace faelled::app {

void add_agreements(CLI::App& app, Invocation& invocation);
void add_aliases(CLI::App& app, Invocation& invocation);
void add_apply(CLI::App& app, Invocation& invocation);
void add_commons(CLI::App& app, Invocation& invocation);
void add_front_ends(CLI::App& app, Invocation& invocation);
void add_keys(CLI::App& app, Invocation& invocation);
void add_maintenance(CLI::App& app, Invocation& invocation);
void add_people(CLI::App& app, Invocation& invocation);
void add_residency(CLI::App& app, Invocation& invocation);

void add_decision_audit(CLI::App& audit, Invocation& invocation);
void add_key_import(CLI::App& key, Invocation& invocation);
void add_catalogue(CLI::App& model, Invocation& invocation);

}  // namespace faelled::app
