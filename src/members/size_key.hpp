// SizeKey: how a share or a fee follows from a member's number of inhabitants. Whole numbers only, so that everybody
// who reckons it again gets the same (docs/agreements.md). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace faelled::members {

enum class KeyKind : std::uint8_t {
  fixed,        // as the agreement or its tier says
  size_class,   // a table of bands
  inhabitants,  // so much for each, less beyond a knee
};

struct SizeBand {
  std::optional<std::int64_t> below;  // inhabitants; the last band has none
  std::int64_t value = 0;
  bool operator==(const SizeBand&) const = default;
};

struct SizeKey {
  KeyKind kind = KeyKind::fixed;
  std::vector<SizeBand> bands = {};  // of size_class, smallest first
  // Of inhabitants: (each × those up to the knee + above × the others) / per, rounded to the nearest, half up.
  std::int64_t each = 0;
  std::int64_t per = 1;
  std::optional<std::int64_t> knee = {};  // inhabitants; absent: the same slope for all
  std::int64_t above = 0;
  bool operator==(const SizeKey&) const = default;
};

std::string_view name_of(KeyKind kind);
std::optional<KeyKind> key_kind_of(std::string_view name);

// Errors: invalid (bands that are not in order or do not end, a slope out of range).
Expected<void> check(const SizeKey& key);

// Of a checked key that is not fixed. `inhabitants`: at most limits::inhabitants_max.
std::int64_t value_of(const SizeKey& key, std::int64_t inhabitants);

}  // namespace faelled::members
