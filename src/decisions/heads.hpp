// Heads: what an auditor keeps elsewhere. A row names a file of the log, how many lines of it there were, and the head
// that vouches for them and for everything before. Values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace faelled::decisions {

struct Head {
  std::string day;  // of the file
  std::string file;
  std::uint64_t lines = 0;
  std::string head;
  bool operator==(const Head&) const = default;
};

std::string text_of(const Head& head);  // "2026-11-25 2026-11-25-000001.log 4711 HEAD", without a newline

// Errors: invalid, with the line.
Expected<std::vector<Head>> read_heads(std::string_view text);

// The last whole line of a file's content; none: lines is 0.
Head head_of(std::string_view file_name, std::string_view content);

// Of all files of the folder as they stand now, oldest first. Errors: not_found (the folder is not there), io.
Expected<std::vector<Head>> heads_of(const std::filesystem::path& folder);

}  // namespace faelled::decisions
