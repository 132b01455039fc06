// The support bundle: one text file that its sender can read through before sending it. What goes in is chosen field by
// field; what is not on a list here stays out.
#pragma once

#include <string>
#include <string_view>

#include "config/config.hpp"

namespace faelled::app {

// How the server understood its configuration, without secrets and without names of people and organisations.
std::string described(const config::Config& config);

// Paths may hold the name of a host, an organisation or a person; the system's own stay.
std::string without_paths(std::string_view text);

// Of lines of our log those fields that cannot name anybody; what is no line of ours is only counted.
std::string log_lines(std::string_view log);

// Exit status; says on standard output what was written.
int write_support_bundle(const std::string& config_file, const std::string& file, const std::string& version);

}  // namespace faelled::app
