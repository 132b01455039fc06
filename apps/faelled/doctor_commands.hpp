// doctor, support-bundle: what is wrong with this machine and this instance, for whoever operates it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "doctor/finding.hpp"
#include "invocation.hpp"

namespace faelled::app {

// Everything the doctor looks at, in the order it is shown.
std::vector<doctor::Finding> examine(const config::Config& config, const std::string& config_file);
std::string findings_text(const std::vector<doctor::Finding>& findings);

void add_doctor_commands(CLI::App& app, Invocation& invocation);

}  // namespace faelled::app
