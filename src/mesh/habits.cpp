#include "mesh/habits.hpp"

#include <algorithm>

namespace faelled::mesh {
namespace {

constexpr std::string_view form = "habits 1";

}  // namespace

std::string text_of(const Habits& habits) {
  std::string out = std::string(form) + "\n";
  for (const auto& [model, habit] : habits) out += model + " " + habit.text() + "\n";
  return out;
}

Expected<Habits> read_habits(std::string_view text) {
  Habits out;
  std::size_t number = 1;
  do {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t space = std::min(line.find(' '), line.size());
    bool whole = number == 1 && line == form;
    if (number > 1 && space > 0 && space < line.size()) {
      const auto habit = residency::Habit::of_text(line.substr(space + 1));
      whole = habit && out.emplace(line.substr(0, space), *habit).second;
    }
    if (!whole)
      return fail(Errc::invalid, "line " + std::to_string(number) + " of the models' habits cannot be read",
                  "was it written by a newer version? Without that setting they are learned again in some days");
    ++number;
  } while (!text.empty());
  return out;
}

}  // namespace faelled::mesh
