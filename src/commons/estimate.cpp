#include "commons/estimate.hpp"

#include <algorithm>
#include <limits>

namespace faelled::commons {

void Estimate::add(std::uint32_t output_tokens) {
  answers_[next_] =
      static_cast<std::uint16_t>(std::min<std::uint32_t>(output_tokens, std::numeric_limits<std::uint16_t>::max()));
  next_ = static_cast<std::uint8_t>((next_ + 1) % answers_max);
  if (count_ < answers_max) ++count_;
}

std::uint32_t Estimate::expected(std::uint32_t so_far) const {
  std::array<std::uint16_t, answers_max> longer;
  std::size_t count = 0;
  for (std::size_t i = 0; i < count_; ++i)
    if (answers_[i] > so_far || so_far == 0) longer[count++] = answers_[i];
  // Longer than all there were: nothing is known but that such answers go on (half as long again).
  if (count == 0) return so_far + std::max<std::uint32_t>(so_far / 2, 1);
  const auto middle = longer.begin() + static_cast<std::ptrdiff_t>((count - 1) / 2);
  std::nth_element(longer.begin(), middle, longer.begin() + static_cast<std::ptrdiff_t>(count));
  return std::max<std::uint32_t>(*middle, so_far + 1);
}

}  // namespace faelled::commons
