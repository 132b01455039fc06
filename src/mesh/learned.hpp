// What the mesh has learned of models, as lines of text that outlive the process: when they are usually asked for, and
// how long they take to load. The first line says which form it is; then a line per model, its id first. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "residency/habit.hpp"

namespace faelled::mesh {

using Habits = std::map<std::string, residency::Habit>;

// Of a model that was said to need so many bytes: another need is another model.
struct LoadSeen {
  std::uint64_t bytes = 0;
  Duration load{};
  bool operator==(const LoadSeen&) const = default;
};
using Loads = std::map<std::string, LoadSeen>;

inline constexpr std::string_view habits_setting = "residency.habits";
inline constexpr std::string_view loads_setting = "residency.loads";

std::string text_of(const Habits& habits);
std::string text_of(const Loads& loads);  // to the millisecond
// Errors: invalid, with the line.
Expected<Habits> read_habits(std::string_view text);
Expected<Loads> read_loads(std::string_view text);

}  // namespace faelled::mesh
