#include "residency/reading.hpp"

#include <algorithm>

#include "residency/average.hpp"

namespace faelled::residency {
namespace {

constexpr double read_least = 0.1;  // of a load, however long a start is thought to take
constexpr double took_least_s = 1e-3;

}  // namespace

void Reading::loaded(std::uint64_t bytes, double took_s) {
  learn(By::loads, bytes, std::max(took_s - start_s_, read_least * took_s));
}

void Reading::read(std::uint64_t bytes, double took_s) { learn(By::readings, bytes, took_s); }

// What is known worse counts no more once it is known better.
void Reading::learn(By by, std::uint64_t bytes, double took_s) {
  if (by < by_ || bytes == 0) return;
  const double seen = std::max(took_s, took_least_s) / static_cast<double>(bytes);
  if (by > by_) s_per_byte_ = 0;
  average(s_per_byte_, seen);
  by_ = by;
}

}  // namespace faelled::residency
