// What a file holds that somebody named on the command line.
#pragma once

#include <string>

#include "base/error.hpp"

namespace faelled::app {

// Of "-", what comes on standard input. Little more than `bytes_max` is read: whoever asked says that it is too much.
// Errors: invalid (a folder), io.
Expected<std::string> contents_of(const std::string& file, std::size_t bytes_max);

}  // namespace faelled::app
