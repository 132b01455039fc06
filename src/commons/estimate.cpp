#include "commons/estimate.hpp"

#include <algorithm>
#include <limits>

namespace faelled::commons {

void Estimate::add(std::uint32_t output_tokens) {
  const auto answer =
      static_cast<std::uint16_t>(std::min<std::uint32_t>(output_tokens, std::numeric_limits<std::uint16_t>::max()));
  const auto begin = sorted_.begin();
  auto end = begin + count_;
  if (count_ == answers_max) {
    const auto oldest = std::lower_bound(begin, end, answers_[next_]);
    end = std::copy(oldest + 1, end, oldest);
  } else {
    ++count_;
  }
  const auto place = std::upper_bound(begin, end, answer);
  std::copy_backward(place, end, end + 1);
  *place = answer;
  answers_[next_] = answer;
  next_ = static_cast<std::uint8_t>((next_ + 1) % answers_max);
}

std::uint32_t Estimate::expected(std::uint32_t so_far) const {
  const auto end = sorted_.begin() + count_;
  const auto longer = so_far == 0 ? sorted_.begin() : std::upper_bound(sorted_.begin(), end, so_far);
  // Longer than all there were: nothing is known but that such answers go on (half as long again).
  if (longer == end) return so_far + std::max<std::uint32_t>(so_far / 2, 1);
  return std::max<std::uint32_t>(*(longer + (end - longer - 1) / 2), so_far + 1);
}

}  // namespace faelled::commons
