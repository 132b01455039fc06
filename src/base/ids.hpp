// Ids: a prefix that names the kind and 26 characters of Crockford base32 (a ULID: 48 bits of milliseconds, 80 bits of
// chance). Fixed length, sortable by time, safe in a URL, a log and a CSV.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace faelled {

inline constexpr std::size_t ulid_chars = 26;

// 26 characters, e.g. "01JD9Z8V3M6Q8Y4T2K7N5R0WXA".
std::string make_ulid(WallTime now, Random& random);

// `prefix` + ULID, e.g. make_id("req_", …) → "req_01JD9Z…" (30 characters).
std::string make_id(std::string_view prefix, WallTime now, Random& random);

// True for `prefix` followed by 26 Crockford characters and nothing else.
bool is_id(std::string_view prefix, std::string_view text);

// `bytes` of chance as lower-case Crockford base32, for secrets shown to people (no i, l, o, u to misread).
std::string random_text(std::size_t bytes, Random& random);

}  // namespace faelled
