// Balances: what members lent and borrowed, as a few lines of text that outlive the process. One line with the
// capacity, then a line per member: id, credit, lent, borrowed; ids as they are, for they have no spaces. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "commons/scheduler.hpp"

namespace faelled::mesh {

inline constexpr std::string_view balances_setting = "commons.balances";

std::string balances_text(const commons::Scheduler& commons);

// Restore and Capacity events for a scheduler that has begun anew. Errors: invalid, with the line.
Expected<std::vector<commons::Event>> balances_of(std::string_view text);

}  // namespace faelled::mesh
