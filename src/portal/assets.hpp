// Assets: the web UI inside the binary: every file with its precompressed forms. Made by cmake/embed.cmake from the
// built UI; never changes while the process runs.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace faelled::portal {

struct Asset {
  std::string_view path;  // "/assets/index-3f2a.js"
  std::string_view content_type;
  std::string_view identity;
  std::string_view gzip;  // empty: not there
  std::string_view brotli;
  std::string_view etag;  // with its quotes
};

std::span<const Asset> all_assets();
const Asset* find_asset(std::string_view path);

}  // namespace faelled::portal
