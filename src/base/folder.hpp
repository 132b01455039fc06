// What lies in a folder.
#pragma once

#include <cstddef>
#include <filesystem>
#include <limits>
#include <system_error>
#include <vector>

namespace faelled {

// Its entries, at most `most`, in no order. `error`: why the listing ended early, for then these are not all of them. A
// range-for over a directory_iterator throws there, whatever error_code it was begun with: a mount that breaks in the
// middle would end the server.
inline std::vector<std::filesystem::directory_entry> entries_of(
    const std::filesystem::path& folder, std::error_code& error,
    std::size_t most = std::numeric_limits<std::size_t>::max()) {
  std::vector<std::filesystem::directory_entry> out;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end && out.size() < most;
       at.increment(error))
    out.push_back(*at);
  return out;
}

// The same where a part will do, or nothing where it cannot be listed.
inline std::vector<std::filesystem::directory_entry> entries_of(const std::filesystem::path& folder) {
  std::error_code ignored;
  return entries_of(folder, ignored);
}

}  // namespace faelled
