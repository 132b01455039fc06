#include "mesh/learned.hpp"

#include <algorithm>

#include "base/whole_number.hpp"

namespace faelled::mesh {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view habits_form = "habits 1";
constexpr std::string_view loads_form = "loads 1";

std::optional<LoadSeen> load_of_text(std::string_view text) {
  const std::size_t space = std::min(text.find(' '), text.size());
  if (space == text.size()) return std::nullopt;
  const auto bytes = whole_number<std::uint64_t>(text.substr(0, space));
  const auto load_ms = whole_number<std::uint32_t>(text.substr(space + 1));
  if (!bytes || !load_ms || *bytes == 0 || *load_ms == 0) return std::nullopt;
  return LoadSeen{*bytes, milliseconds(*load_ms)};
}

// `one_of`: of a line's text behind the id; nothing: it is none.
template <class All, class OneOf>
Expected<All> read(std::string_view text, std::string_view form, std::string_view what, const OneOf& one_of) {
  All out;
  std::size_t number = 1;
  do {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t space = std::min(line.find(' '), line.size());
    bool whole = number == 1 && line == form;
    if (number > 1 && space > 0 && space < line.size()) {
      const auto one = one_of(line.substr(space + 1));
      whole = one && out.emplace(line.substr(0, space), *one).second;
    }
    if (!whole)
      return fail(Errc::invalid,
                  "line " + std::to_string(number) + " of the models' " + std::string(what) + " cannot be read",
                  "was it written by a newer version? Without that setting they are learned again");
    ++number;
  } while (!text.empty());
  return out;
}

}  // namespace

std::string text_of(const Habits& habits) {
  std::string out = std::string(habits_form) + "\n";
  for (const auto& [model, habit] : habits) out += model + " " + habit.text() + "\n";
  return out;
}

std::string text_of(const Loads& loads) {
  std::string out = std::string(loads_form) + "\n";
  for (const auto& [model, seen] : loads)
    out += model + " " + std::to_string(seen.bytes) + " " +
           std::to_string(std::chrono::ceil<milliseconds>(seen.load).count()) + "\n";
  return out;
}

Expected<Habits> read_habits(std::string_view text) {
  return read<Habits>(text, habits_form, "habits", [](std::string_view one) { return residency::Habit::of_text(one); });
}

Expected<Loads> read_loads(std::string_view text) { return read<Loads>(text, loads_form, "loads", load_of_text); }

}  // namespace faelled::mesh
