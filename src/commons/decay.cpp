#include "commons/decay.hpp"

#include <array>

namespace faelled::commons {
namespace {

// round(2^12 × 2^(k/42)); between two of them a straight line, which is off by less than their rounding
constexpr std::array<std::uint64_t, Decay::half_life_s + 1> table = {
    4096, 4164, 4233, 4304, 4376, 4448, 4522, 4598, 4674, 4752, 4831, 4911, 4993, 5076, 5161,
    5247, 5334, 5423, 5513, 5605, 5698, 5793, 5889, 5987, 6087, 6188, 6291, 6396, 6502, 6610,
    6720, 6832, 6946, 7061, 7179, 7298, 7420, 7543, 7669, 7796, 7926, 8058, 8192};

}  // namespace

std::uint64_t Decay::weight(Instant now) const {
  const std::int64_t s = seconds(now);
  const Duration rest = now - landmark_ - std::chrono::seconds(s);
  const auto step = static_cast<std::uint64_t>((rest * (1 << step_bits)) / std::chrono::seconds(1));
  const auto k = static_cast<std::size_t>(s % half_life_s);
  return (((table[k] << step_bits) + (table[k + 1] - table[k]) * step) << (s / half_life_s)) >> step_bits;
}

unsigned Decay::rebase(Instant now) {
  if (now < landmark_) landmark_ = now;  // only at the beginning: time does not run backwards later
  const std::int64_t halvings = seconds(now) / half_life_s;
  if (halvings < halvings_max) return 0;
  landmark_ += std::chrono::seconds(halvings * half_life_s);
  return halvings < 127 ? static_cast<unsigned>(halvings) : 127;
}

}  // namespace faelled::commons
