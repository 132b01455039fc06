// Energy: what loads, and devices whose engines nobody uses, have drawn as the configuration models it: its watts times
// seconds. No meter is read: it says what switching and keeping cost beside each other, not what the machine draws.
// Pure.
#pragma once

#include <cstddef>

#include "base/seconds.hpp"

namespace faelled::mesh {

class Energy {
 public:
  // Watts of a device whose engines are all unused, asleep or not, and of an engine that is loaded or woken; 0: not
  // modelled.
  Energy(double idle_w, double load_w) : idle_w_(idle_w), load_w_(load_w) {}

  bool modelled() const { return idle_w_ > 0 || load_w_ > 0; }
  // From the last call until `now`, so many devices idled and so many engines were loaded or woken. The first call
  // begins.
  void pass(Instant now, std::size_t idle, std::size_t loading) {
    const double s = began_ ? seconds(now - at_) : 0;
    began_ = true;
    at_ = now;
    idle_wh_ += idle_w_ * s * static_cast<double>(idle) / 3600;
    load_wh_ += load_w_ * s * static_cast<double>(loading) / 3600;
  }
  double idle_wh() const { return idle_wh_; }
  double load_wh() const { return load_wh_; }

 private:
  double idle_w_;
  double load_w_;
  double idle_wh_ = 0;
  double load_wh_ = 0;
  Instant at_{};
  bool began_ = false;
};

}  // namespace faelled::mesh
