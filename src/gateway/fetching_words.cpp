#include "gateway/fetching_words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faelled::gateway {
namespace {

// To ten seconds, minutes or hours: it stands still between two looks.
Words about(Duration left) {
  constexpr std::int64_t minute = 60, hour = 3600;
  const std::int64_t s = std::max<std::int64_t>(1, (to_millis(left) + 999) / 1000);
  const auto up = [s](std::int64_t unit) { return (s + unit - 1) / unit; };
  if (s <= minute) return {fmt::format("about {} s", up(10) * 10), fmt::format("ca. {} s", up(10) * 10)};
  if (s <= 2 * hour) return {fmt::format("about {} min", up(minute)), fmt::format("ca. {} min", up(minute))};
  return {fmt::format("about {} hours", up(hour)), fmt::format("ca. {} timer", up(hour))};
}

}  // namespace

Words fetching_words(std::uint64_t bytes, std::uint64_t total, Duration left) {
  Words words{"is being fetched", "hentes"};
  if (total > 0) {
    const auto percent =
        static_cast<int>(100.0 * static_cast<double>(std::min(bytes, total)) / static_cast<double>(total));
    words.en += fmt::format(": {} %", percent);
    words.da += fmt::format(", {} %", percent);
  }
  if (left > Duration{}) {
    const Words time = about(left);
    words.en += (total > 0 ? ", " : ": ") + time.en;
    words.da += ", " + time.da;
  }
  return words;
}

}  // namespace faelled::gateway
