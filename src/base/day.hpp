// A day as text, 2026-11-23, which is how agreements say it, in their file and on the wire. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/whole_number.hpp"

namespace faelled {

inline std::string day_text(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  const auto padded = [](int number, std::size_t digits) {
    const std::string text = std::to_string(number);
    return std::string(digits - std::min(digits, text.size()), '0') + text;
  };
  return padded(static_cast<int>(date.year()), 4) + "-" +
         padded(static_cast<int>(static_cast<unsigned>(date.month())), 2) + "-" +
         padded(static_cast<int>(static_cast<unsigned>(date.day())), 2);
}

// nullopt: it is no day of the years 0000 to 9999.
inline std::optional<std::chrono::sys_days> any_day_of(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = whole_number<unsigned>(text.substr(0, 4)), month = whole_number<unsigned>(text.substr(5, 2)),
             day = whole_number<unsigned>(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                         std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

// nullopt: it is no day between 1970 and 9999.
inline std::optional<std::chrono::sys_days> day_of(std::string_view text) {
  const auto day = any_day_of(text);
  return day && day->time_since_epoch().count() >= 0 ? day : std::nullopt;
}

}  // namespace faelled
