// The check of a server's own log while it is being written, by the code of `faelled audit replay`: from the newest
// start of the server on, as decisions can be made again from a start alone. Any thread that may wait for a disk.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "decisions/disk.hpp"
#include "decisions/replay.hpp"

namespace faelled::decisions {

// At most the newest `bytes_max` bytes, by whole files and at least one: where the newest start lies farther back,
// lines are checked, and what they decide is skipped, with a note. What the newest file ends with in the middle of a
// line is still being written. A file that cannot be read is a fault. Errors: cancelled.
Expected<ReplayReport> check_log(const std::filesystem::path& folder, const Stopped& stopped,
                                 std::uint64_t bytes_max = limits::decisions_check_bytes_max);

}  // namespace faelled::decisions
