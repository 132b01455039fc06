#include "key_import/old_time.hpp"

#include <algorithm>

namespace faelled::key_import {
namespace {

// Exactly `digits` digits off the front; negative where there are none.
int take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return -1;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || !any_of.contains(text.front())) return false;
  text.remove_prefix(1);
  return true;
}

// "Z", "+01:00", "+0100", "-03", or nothing.
std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (text.empty() || take(text, "Zz")) return std::chrono::minutes(0);
  const int sign = text.front() == '-' ? -1 : 1;
  if (!take(text, "+-")) return std::nullopt;
  const int hours = take_number(text, 2);
  take(text, ":");
  const int minutes = text.empty() ? 0 : take_number(text, 2);
  if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59) return std::nullopt;
  return sign * std::chrono::minutes(hours * 60 + minutes);
}

}  // namespace

std::optional<WallTime> read_old_time(std::string_view text) {
  const int year = take_number(text, 4);
  const bool first = take(text, "-");
  const int month = take_number(text, 2);
  const bool second = take(text, "-");
  const int day = take_number(text, 2);
  if (!first || !second || year < 1970 || month < 0 || day < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  WallTime time = std::chrono::sys_days(date);
  if (text.empty()) return time;
  if (!take(text, "T ")) return std::nullopt;
  const int hours = take_number(text, 2);
  const bool colon = take(text, ":");
  const int minutes = take_number(text, 2);
  int seconds = 0;
  if (take(text, ":")) seconds = take_number(text, 2);
  if (!colon || hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59)
    return std::nullopt;
  if (take(text, ".,")) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0 || digits > 9) return std::nullopt;
    std::string_view micros = text.substr(0, std::min<std::size_t>(digits, 6));
    int value = take_number(micros, micros.size());
    for (std::size_t given = digits; given < 6; ++given) value *= 10;
    time += std::chrono::microseconds(value);
    text.remove_prefix(digits);
  }
  take(text, " ");
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  time += std::chrono::hours(hours) + std::chrono::minutes(minutes) + std::chrono::seconds(seconds) - *offset;
  return time < WallTime{} ? std::nullopt : std::optional(time);
}

}  // namespace faelled::key_import
