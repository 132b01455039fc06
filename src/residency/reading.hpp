// Reading: how long weights that nobody keeps take to be read again, before that was seen of their model. Learned from
// what other models took, and until one was seen from what loads took beyond the start of a process. Pure; the
// planner's own.
#pragma once

#include <cstdint>

namespace faelled::residency {

class Reading {
 public:
  // `start_s`: of a load, what is not reading. `bytes_per_s`: before anything was seen.
  Reading(double start_s, double bytes_per_s) : start_s_(start_s), s_per_byte_(1 / bytes_per_s) {}

  // A whole load took so long.
  void loaded(std::uint64_t bytes, double took_s);
  // Only they were read.
  void read(std::uint64_t bytes, double took_s);
  double seconds_of(std::uint64_t bytes) const { return static_cast<double>(bytes) * s_per_byte_; }

 private:
  enum class By : std::uint8_t { guess, loads, readings };
  void learn(By by, std::uint64_t bytes, double took_s);

  double start_s_;
  double s_per_byte_;
  By by_ = By::guess;
};

}  // namespace faelled::residency
