#include "engines/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/limits.hpp"

namespace faelled::engines {

namespace {

struct ElementType {
  std::string_view name;
  std::uint64_t bits;
};

// Types that are newer than this table are not measured, only placed.
constexpr std::array<ElementType, 21> element_types{
    {{"BOOL", 8}, {"U8", 8},   {"I8", 8},    {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"I16", 16},
     {"U16", 16}, {"F16", 16}, {"BF16", 16}, {"I32", 32},    {"U32", 32},    {"F32", 32},    {"I64", 64},
     {"U64", 64}, {"F64", 64}, {"C64", 64},  {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F8_E4M3FNUZ", 8}}};

constexpr std::string_view fetch_again = "fetch the file again and compare its size and checksum with the source";

std::unexpected<Error> refuse(const std::string& what, std::string_view why,
                              std::string hint = std::string(fetch_again)) {
  return fail(Errc::invalid, fmt::format("model file {}: {}", what, why), std::move(hint));
}

// Where a tensor's bytes lie, behind the header.
struct Place {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

std::optional<std::uint64_t> size_in(json::Value value) {
  const auto number = value.integer();
  if (value.kind() != json::Kind::number || !number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::optional<Place> place_in(json::Value tensor) {
  const auto offsets = tensor.find("data_offsets");
  if (!offsets || offsets->kind() != json::Kind::array || offsets->count() != 2) return std::nullopt;
  auto item = offsets->items().begin();
  const auto begin = size_in(*item);
  const auto end = size_in(*++item);
  if (!begin || !end || *begin > *end) return std::nullopt;
  return Place{*begin, *end};
}

// What the tensor's shape and type ask for; false: that is another number than the place has.
bool fills(json::Value tensor, Place place, std::vector<std::uint64_t>& sizes) {
  const auto shape = tensor.find("shape");
  const auto type = tensor.find("dtype");
  if (!shape || shape->kind() != json::Kind::array || !type || type->kind() != json::Kind::text) return false;
  std::uint64_t values = 1;
  for (const json::Value dimension : shape->items()) {
    const auto size = size_in(dimension);
    if (!size || __builtin_mul_overflow(values, *size, &values)) return false;
    sizes.push_back(*size);
  }
  const auto known = std::ranges::find_if(element_types, [&](const auto& t) { return type->text_is(t.name); });
  if (known == element_types.end()) return true;
  std::uint64_t bits = 0;
  return !__builtin_mul_overflow(values, known->bits, &bits) && bits % 8 == 0 && bits / 8 == place.end - place.begin;
}

}  // namespace

Expected<std::uint64_t> safetensors_header_end(std::span<const std::byte> prefix, std::uint64_t file_bytes,
                                               const std::string& what) {
  if (prefix.size() < safetensors_prefix_bytes) {
    return refuse(what, fmt::format("it ends too early ({} bytes)", file_bytes));
  }
  std::uint64_t header = 0;
  std::memcpy(&header, prefix.data(), sizeof header);  // both machines are little-endian
  if (header > limits::safetensors_header_bytes_max) {
    return refuse(what, "it is no safetensors file, or its header is larger than any model's",
                  "name a folder whose weights are .safetensors; other formats must be converted first");
  }
  if (header > file_bytes - safetensors_prefix_bytes) {
    return refuse(what, fmt::format("it ends too early, in its header ({} bytes)", file_bytes));
  }
  return safetensors_prefix_bytes + header;
}

Expected<SafetensorsSummary> read_safetensors(std::string_view header, std::uint64_t file_bytes,
                                              const std::string& what, json::Document& document) {
  const auto root = document.parse(header);
  if (!root || root->kind() != json::Kind::object) {
    return refuse(what, "its header is no JSON object",
                  "name a folder whose weights are .safetensors; other formats must be converted first");
  }
  if (root->count() > limits::safetensors_tensors_max) {
    return refuse(what, "its header counts more tensors than any model has");
  }
  SafetensorsSummary summary;
  std::vector<Place> places;
  std::vector<std::pair<std::string, std::vector<std::uint64_t>>> tensors;
  for (const json::Member member : root->members()) {
    if (member.named("__metadata__")) continue;
    const auto place = place_in(member.value);
    std::vector<std::uint64_t> sizes;
    if (!place || !fills(member.value, *place, sizes)) {
      return refuse(what, fmt::format("tensor {} in its header is not as large as its shape says", places.size() + 1));
    }
    places.push_back(*place);
    tensors.emplace_back(member.name.text().value_or(""), std::move(sizes));
  }
  if (places.empty()) return refuse(what, "it holds no tensor", "name the model's own folder");
  // Without a gap and without overlap, or the same bytes would be two weights and others nobody's.
  std::ranges::sort(places, [](Place a, Place b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  for (const Place place : places) {
    if (place.begin != summary.data_bytes) return refuse(what, "its tensors overlap or leave gaps");
    summary.data_bytes = place.end;
  }
  const auto start = safetensors_prefix_bytes + header.size();
  const auto there = file_bytes < start ? 0 : file_bytes - start;
  if (summary.data_bytes > there) {
    return refuse(what, fmt::format("it ends too early: {} bytes of tensors are missing", summary.data_bytes - there));
  }
  if (summary.data_bytes < there) {
    return refuse(what, fmt::format("{} bytes behind its last tensor belong to nothing", there - summary.data_bytes));
  }
  std::ranges::sort(tensors);
  for (auto& [name, sizes] : tensors) {
    summary.tensors.push_back(std::move(name));
    summary.shapes.push_back(std::move(sizes));
  }
  return summary;
}

}  // namespace faelled::engines
