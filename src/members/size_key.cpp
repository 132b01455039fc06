#include "members/size_key.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.hpp"
#include "base/limits.hpp"

namespace faelled::members {
namespace {

constexpr std::array names{std::pair{KeyKind::fixed, std::string_view("fixed")},
                           std::pair{KeyKind::size_class, std::string_view("size_class")},
                           std::pair{KeyKind::inhabitants, std::string_view("inhabitants")}};

constexpr std::int64_t slope_max = 1'000'000'000;  // × limits::inhabitants_max is far from where 64 bits end

bool fits(std::int64_t value, std::int64_t min, std::int64_t max) { return value >= min && value <= max; }

}  // namespace

std::string_view name_of(KeyKind kind) {
  for (const auto& [known, name] : names)
    if (known == kind) return name;
  return "fixed";
}

std::optional<KeyKind> key_kind_of(std::string_view name) {
  for (const auto& [kind, known] : names)
    if (known == name) return kind;
  return std::nullopt;
}

Expected<void> check(const SizeKey& key) {
  if (key.kind == KeyKind::fixed) return {};
  if (key.kind == KeyKind::inhabitants) {
    if (!fits(key.each, 0, slope_max) || !fits(key.above, 0, slope_max) || !fits(key.per, 1, slope_max))
      return fail(Errc::invalid, "each and above are 0 to 1000000000, and per is 1 to 1000000000");
    if (key.knee && !fits(*key.knee, 1, limits::inhabitants_max))
      return fail(Errc::invalid, "the knee is a number of inhabitants");
    return {};
  }
  if (key.bands.empty() || key.bands.size() > limits::size_bands_max)
    return fail(Errc::invalid, "a table of size classes has 1 to 50 bands");
  for (std::size_t i = 0; i < key.bands.size(); ++i) {
    const SizeBand& band = key.bands[i];
    if (!fits(band.value, 0, limits::fee_ore_max)) return fail(Errc::invalid, "a band's value is out of range");
    const bool last = i + 1 == key.bands.size();
    if (last == band.below.has_value())
      return fail(Errc::invalid, "the last band, and that one alone, has no `below`: it is for all larger members");
    if (last) continue;
    const std::int64_t from = i == 0 ? 0 : *key.bands[i - 1].below;
    if (*band.below <= from || *band.below > limits::inhabitants_max)
      return fail(Errc::invalid, "the bands go from small to large");
  }
  return {};
}

std::int64_t value_of(const SizeKey& key, std::int64_t inhabitants) {
  FAELLED_CHECK(key.kind != KeyKind::fixed, "nothing follows from the size where the key is fixed");
  if (key.kind == KeyKind::size_class) {
    const auto band =
        std::ranges::find_if(key.bands, [&](const SizeBand& one) { return !one.below || inhabitants < *one.below; });
    FAELLED_CHECK(band != key.bands.end(), "the last band of a checked table is for all");
    return band->value;
  }
  const std::int64_t below = std::min(inhabitants, key.knee.value_or(inhabitants));
  return (key.each * below + key.above * (inhabitants - below) + key.per / 2) / key.per;
}

}  // namespace faelled::members
