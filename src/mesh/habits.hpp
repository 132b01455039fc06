// Habits: when models are usually asked for, as lines of text that outlive the process. The first says which form it
// is; then a line per model: its id and what was learned. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "residency/habit.hpp"

namespace faelled::mesh {

using Habits = std::map<std::string, residency::Habit>;

inline constexpr std::string_view habits_setting = "residency.habits";

std::string text_of(const Habits& habits);
// Errors: invalid, with the line.
Expected<Habits> read_habits(std::string_view text);

}  // namespace faelled::mesh
