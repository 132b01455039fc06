// Times as other gateways' tables and lists write them. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace faelled::key_import {

// "2027-01-01", "2027-01-01 12:00:00", "2027-01-01T12:00:00.123Z", "… +01:00", "…+00": without an offset UTC, as
// LiteLLM means it. Nothing for what is no time, or not between 1970 and 9999.
std::optional<WallTime> read_old_time(std::string_view text);

}  // namespace faelled::key_import
