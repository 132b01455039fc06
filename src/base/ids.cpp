#include "base/ids.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace faelled {
namespace {

constexpr std::string_view upper_digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::string_view lower_digits = "0123456789abcdefghjkmnpqrstvwxyz";

}  // namespace

std::string make_ulid(WallTime now, Random& random) {
  const auto ms = static_cast<std::uint64_t>(unix_micros(now) / 1000);
  std::array<std::byte, 10> chance;
  random.fill(chance);
  std::string out(ulid_chars, '0');
  for (std::size_t i = 0; i < 10; ++i) out[9 - i] = upper_digits[(ms >> (5 * i)) & 31U];
  // 80 bits are 16 digits: two runs of 40 bits.
  for (std::size_t half = 0; half < 2; ++half) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 5; ++i) bits = bits << 8U | std::to_integer<std::uint64_t>(chance[half * 5 + i]);
    for (std::size_t i = 0; i < 8; ++i) out[10 + half * 8 + 7 - i] = upper_digits[(bits >> (5 * i)) & 31U];
  }
  return out;
}

std::string make_id(std::string_view prefix, WallTime now, Random& random) {
  std::string out(prefix);
  out += make_ulid(now, random);
  return out;
}

bool is_id(std::string_view prefix, std::string_view text) {
  return text.size() == prefix.size() + ulid_chars && text.starts_with(prefix) &&
         std::ranges::all_of(text.substr(prefix.size()), [](char c) { return upper_digits.contains(c); });
}

std::string random_text(std::size_t bytes, Random& random) {
  std::vector<std::byte> chance(bytes);
  random.fill(chance);
  std::string out;
  std::uint64_t bits = 0;
  unsigned have = 0;
  for (const std::byte b : chance) {
    bits = bits << 8U | std::to_integer<std::uint64_t>(b);
    for (have += 8; have >= 5; have -= 5) out += lower_digits[(bits >> (have - 5)) & 31U];
  }
  if (have > 0) out += lower_digits[(bits << (5 - have)) & 31U];
  return out;
}

}  // namespace faelled
