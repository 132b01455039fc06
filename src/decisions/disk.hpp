// The few ways in which the decision log touches files. Private to this folder.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace faelled::decisions {

// Whole, up to limits::decisions_read_bytes_max. Errors: not_found, too_large, io.
Expected<std::string> read_file(const std::filesystem::path& file);

// Made with mode 0600 where it is not there. All or nothing: what could be written of it only in part is cut off again.
Expected<void> append(const std::filesystem::path& file, std::string_view text);

// In place of what was there: whole, synced, then renamed.
Expected<void> replace(const std::filesystem::path& file, std::string_view text);

// Names of the log's files, oldest first. A folder that is not there has none.
std::vector<std::string> log_files(const std::filesystem::path& folder);

}  // namespace faelled::decisions
