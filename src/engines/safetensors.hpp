// Safetensors: the header of a file of weights, enough to refuse a wrong, truncated or foreign one before an engine
// starts on it and to know how much memory its tensors take. Reads no weights. Pure functions over bytes.
// Format: huggingface/safetensors, README "Format": eight bytes with the header's size (little-endian), the header as
// one JSON object, then the tensors' bytes, one after the other without a gap.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "json/document.hpp"

namespace faelled::engines {

struct SafetensorsSummary {
  std::vector<std::string> tensors;                // names, in order
  std::vector<std::vector<std::uint64_t>> shapes;  // of each
  std::uint64_t data_bytes = 0;
  bool operator==(const SafetensorsSummary&) const = default;
};

inline constexpr std::size_t safetensors_prefix_bytes = 8;

// Where the header ends, from a file's first eight bytes (fewer: all there are) and its size. `what` names the file in
// messages.
Expected<std::uint64_t> safetensors_header_end(std::span<const std::byte> prefix, std::uint64_t file_bytes,
                                               const std::string& what);

// `header`: the JSON between the first eight bytes and safetensors_header_end(). Any bytes are safe.
Expected<SafetensorsSummary> read_safetensors(std::string_view header, std::uint64_t file_bytes,
                                              const std::string& what, json::Document& document);

}  // namespace faelled::engines
