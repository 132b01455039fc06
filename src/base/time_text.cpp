#include "base/time_text.hpp"

#include <cstdio>
#include <optional>

#include "base/day.hpp"
#include "base/whole_number.hpp"

namespace faelled {

std::string time_text(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[32];
  const int size = std::snprintf(text, sizeof text, "T%02d:%02d:%02d.%06dZ", static_cast<int>(clock.hours().count()),
                                 static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                                 static_cast<int>(clock.subseconds().count()));
  return day_text(day).append(text, static_cast<std::size_t>(size));
}

Expected<WallTime> parse_time(std::string_view text) {
  const auto wrong = [&] {
    return fail(Errc::invalid, "'" + std::string(text.substr(0, 40)) + "' is no time",
                "write 2026-11-23 or 2026-11-23T16:33:07Z (UTC)");
  };
  const auto day = any_day_of(text.substr(0, 10));
  if (!day) return wrong();
  WallTime time{*day};
  if (text.size() == 10) return time;
  if (text.size() < 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text.back() != 'Z') return wrong();
  const auto hour = whole_number<unsigned>(text.substr(11, 2)), minute = whole_number<unsigned>(text.substr(14, 2)),
             second = whole_number<unsigned>(text.substr(17, 2));
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return wrong();
  time += std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
  if (text.size() > 20) {
    std::string fraction(text.substr(20, text.size() - 21));
    if (text[19] != '.' || fraction.empty() || fraction.size() > 6) return wrong();
    fraction.resize(6, '0');
    const auto us = whole_number<unsigned>(fraction);
    if (!us) return wrong();
    time += std::chrono::microseconds(*us);
  }
  return time;
}

}  // namespace faelled
