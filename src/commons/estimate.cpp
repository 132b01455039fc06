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
  std::uint64_t sum = 0;
  std::uint64_t longer = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    if (answers_[i] <= so_far && so_far > 0) continue;
    sum += answers_[i];
    ++longer;
  }
  // Longer than all there were: nothing is known but that such answers go on (half as long again).
  if (longer == 0) return so_far + std::max<std::uint32_t>(so_far / 2, 1);
  return std::max(static_cast<std::uint32_t>((sum + longer / 2) / longer), so_far + 1);
}

}  // namespace faelled::commons
