#include "sim/places_engine.hpp"

#include <algorithm>
#include <functional>

namespace faelled::sim {
namespace {

// Progress is told so many times in a request's life at most: a place has no steps that all share.
constexpr std::uint32_t marks_per_request = 16;

}  // namespace

Turn PlacesEngine::turn(Instant now, Desk& desk) {
  while (!marks_.empty() && marks_.front().at <= now) {
    std::ranges::pop_heap(marks_, std::greater{});
    const Mark mark = marks_.back();
    marks_.pop_back();
    desk.progressed(now, mark.id, mark.produced);
    const std::uint32_t all = desk.request(mark.id).output_tokens;
    if (mark.produced == all)
      desk.ended(now, mark.id);
    else
      follow(mark, all);
  }
  while (marks_.size() < places_.places) {
    const auto id = desk.next(now, id_);
    if (!id) return {marks_.empty() ? Instant::max() : marks_.front().at, Duration{}};
    desk.granted(now, *id, id_);
    const Request& request = desk.request(*id);
    const Duration prompt = length_(places_.input_token_s * request.input_tokens);
    const Duration token = length_(places_.output_token_s);
    marks_.push_back({now + prompt + token, *id, 1, token});
    std::ranges::push_heap(marks_, std::greater{});
  }
  return {marks_.front().at, std::nullopt};
}

void PlacesEngine::follow(Mark mark, std::uint32_t output_tokens) {
  const std::uint32_t step = std::min(std::max(1U, output_tokens / marks_per_request), output_tokens - mark.produced);
  mark.produced += step;
  mark.at += mark.token * step;
  marks_.push_back(mark);
  std::ranges::push_heap(marks_, std::greater{});
}

}  // namespace faelled::sim
