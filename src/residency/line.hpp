// Line: the tickets of one model, as far as it matters where the model is: how many wait, what they have waited
// together, how many run. A value; times are those of the planner's steps.
#pragma once

#include <cstdint>

#include "base/clock.hpp"

namespace faelled::residency {

class Line {
 public:
  void arrived(Instant now, double weight) {
    ++waiting_;
    weight_ += weight;
    arrivals_ += weight * seconds(now);
  }
  void left(Instant arrived, double weight) {
    if (--waiting_ == 0) {
      weight_ = arrivals_ = 0;  // no rounding is carried on
    } else {
      weight_ -= weight;
      arrivals_ -= weight * seconds(arrived);
    }
  }
  void started() { ++running_; }
  void ended() { --running_; }

  std::uint32_t waiting() const { return waiting_; }
  std::uint32_t running() const { return running_; }
  bool empty() const { return waiting_ == 0 && running_ == 0; }
  // Weighted seconds, of all that wait.
  double waited_s(Instant now) const { return waiting_ == 0 ? 0 : weight_ * seconds(now) - arrivals_; }
  // By which they grow each second.
  double weight() const { return weight_; }

 private:
  static double seconds(Instant at) { return std::chrono::duration<double>(at.time_since_epoch()).count(); }

  double weight_ = 0;
  double arrivals_ = 0;  // Σ weight × arrival
  std::uint32_t waiting_ = 0;
  std::uint32_t running_ = 0;
};

}  // namespace faelled::residency
