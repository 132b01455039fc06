// faelled key import: the keys of another gateway, first shown and then taken in.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace faelled::app {

// Below `key`. `config` is bound to its --config; `status` becomes the exit status.
void add_key_import(CLI::App& key, std::string& config, int& status);

}  // namespace faelled::app
