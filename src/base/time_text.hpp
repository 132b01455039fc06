// A time as text, in UTC: RFC 3339. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace faelled {

// With microseconds: "2026-11-23T16:33:07.123456Z".
std::string time_text(WallTime time);
// The same with or without fraction, or a date alone. Errors: invalid.
Expected<WallTime> parse_time(std::string_view text);

}  // namespace faelled
