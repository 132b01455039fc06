// Reads a simulation's world from YAML, with every mistake and its line like the server's own file.
// docs/simulation.md describes every key.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "sim/world.hpp"

namespace faelled::config {

struct ParsedWorld {
  sim::World world;               // of use only when there is no problem
  std::vector<Problem> problems;  // all of them, in the order of the file
};

// Any bytes are allowed as text.
ParsedWorld parse_world(std::string_view text);

// parse_world() of the file. The error's message has one line per problem: FILE:LINE:COLUMN: message; hint.
Expected<sim::World> load_world(const std::filesystem::path& path);

}  // namespace faelled::config
