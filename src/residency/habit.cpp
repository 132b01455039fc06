#include "residency/habit.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace faelled::residency {
namespace {

constexpr double all = 255;
constexpr double days_of_the_whole = 4;  // as many days does it weigh how often a model is asked for at any time
constexpr double loads_believed = 1;     // so many loads ahead are thought to have been of use, before there was any
constexpr float kept_a_load = 0.8F;      // of what the loads before came to: the last five count most
constexpr float kept_a_day = 0.93F;      // and half is forgotten in ten days

// Runs of one value, as "value" or "times*value", with commas between.
void write(std::string& out, const std::array<std::uint8_t, Quarter::in_a_day>& values) {
  for (std::size_t i = 0; i < values.size();) {
    std::size_t end = i + 1;
    while (end < values.size() && values[end] == values[i]) ++end;
    if (!out.empty()) out += ',';
    if (end - i > 1) out += std::to_string(end - i) + "*";
    out += std::to_string(values[i]);
    i = end;
  }
}

bool read_number(std::string_view& text, unsigned& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc{};
}

bool read(std::string_view& text, std::array<std::uint8_t, Quarter::in_a_day>& values, unsigned most) {
  for (std::size_t i = 0; i < values.size();) {
    unsigned times = 1, value = 0;
    if (!read_number(text, value)) return false;
    if (text.starts_with('*')) {
      times = value;
      text.remove_prefix(1);
      if (!read_number(text, value)) return false;
    }
    if (times == 0 || times > values.size() - i || value > most) return false;
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(i), times, static_cast<std::uint8_t>(value));
    i += times;
    if (text.starts_with(',')) text.remove_prefix(1);
  }
  return true;
}

}  // namespace

void Habit::over(Quarter quarter) {
  Kind& kind = kinds_[quarter.working_day ? 0 : 1];
  std::uint8_t& days = kind.days[quarter.number];
  std::uint8_t& likely = kind.likely[quarter.number];
  days = std::min<std::uint8_t>(static_cast<std::uint8_t>(days + 1), remembered);
  const double seen = today_[quarter.number] ? all : 0;
  likely = static_cast<std::uint8_t>(std::lround(likely + (seen - likely) / days));
  today_[quarter.number] = false;
  if (quarter.last()) {
    hoped_ *= kept_a_day;
    came_ *= kept_a_day;
  }
}

// Of a single day nothing is known.
double Habit::likely(Quarter quarter) const {
  const Kind& kind = kinds_[quarter.working_day ? 0 : 1];
  const double days = kind.days[quarter.number];
  if (days < 2) return 0;
  const double whole = std::accumulate(kind.likely.begin(), kind.likely.end(), 0U) / double{Quarter::in_a_day};
  return (days * kind.likely[quarter.number] + days_of_the_whole * whole) / (days + days_of_the_whole) / all;
}

void Habit::warmed(Quarter quarter) {
  hoped_ = kept_a_load * hoped_ + static_cast<float>(likely(quarter));
  came_ *= kept_a_load;
}

double Habit::worth_warming(Quarter quarter) const {
  return likely(quarter) * std::min(1.0, (came_ + loads_believed) / (hoped_ + loads_believed));
}

std::string Habit::text() const {
  std::string out;
  for (const Kind& kind : kinds_) {
    write(out, kind.likely);
    write(out, kind.days);
  }
  return out;
}

std::optional<Habit> Habit::of_text(std::string_view text) {
  Habit habit;
  for (Kind& kind : habit.kinds_)
    if (!read(text, kind.likely, static_cast<unsigned>(all)) || !read(text, kind.days, remembered)) return std::nullopt;
  return text.empty() ? std::optional(habit) : std::nullopt;
}

bool Habit::empty() const {
  return std::ranges::all_of(kinds_, [](const Kind& kind) {
    return std::ranges::all_of(kind.likely, [](std::uint8_t likely) { return likely == 0; });
  });
}

}  // namespace faelled::residency
