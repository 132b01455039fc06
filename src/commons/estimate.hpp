// Estimate: how long an answer will be, from the last answers of the same caller. Not a moving average: when an answer
// has outlived what was expected, the expectation is the middle one of those among them that were longer (a hazard
// estimate), so that a caller whose answers are sometimes long is neither overcharged from the start nor undercharged
// to the end. The median, not the mean: one answer in five that is sixteen times as long does not make the others dear.
#pragma once

#include <array>
#include <cstdint>

namespace faelled::commons {

class Estimate {
 public:
  static constexpr std::size_t answers_max = 60;

  void add(std::uint32_t output_tokens);
  bool empty() const { return count_ == 0; }

  // Expected output tokens of an answer that has `so_far` and goes on; more than `so_far`.
  std::uint32_t expected(std::uint32_t so_far) const;

 private:
  std::array<std::uint16_t, answers_max> answers_{};  // as they came, the oldest at next_ once it is full
  std::array<std::uint16_t, answers_max> sorted_{};
  std::uint8_t count_ = 0;
  std::uint8_t next_ = 0;
};

}  // namespace faelled::commons
