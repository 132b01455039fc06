// The few ways in which the decision log touches files. Private to this folder.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace faelled::decisions {

// Whether what takes long is to end now. Asked often, on the thread that works.
using Stopped = std::function<bool()>;

// Whole, up to limits::decisions_read_bytes_max. Errors: not_found, too_large, io, cancelled.
Expected<std::string> read_file(const std::filesystem::path& file, const Stopped& stopped = {});

// Its first bytes, or all where there are fewer. Errors: not_found, io.
Expected<std::string> read_beginning(const std::filesystem::path& file, std::size_t bytes_max);

// A descriptor of the file, which nobody else who asks for it here reads and replaces meanwhile; -1: errno says why.
int open_locked(const std::filesystem::path& file, int flags);

// Made with mode 0600 where it is not there. All or nothing: what could be written of it only in part is cut off again.
Expected<void> append(const std::filesystem::path& file, std::string_view text);

// In place of what was there: whole, synced, then renamed.
Expected<void> replace(const std::filesystem::path& file, std::string_view text);

// Names of the log's files, oldest first. Errors: not_found (the folder is not there: no decision was written), io.
Expected<std::vector<std::string>> log_files(const std::filesystem::path& folder);

}  // namespace faelled::decisions
