// Tuner: which weighing serves best here and now, found by letting each of them rule a memory of the same size that is
// only imagined. What is asked for is asked of all; the one with the fewest load seconds of late is followed. So no
// setting has to be guessed, and a bad day of one is noticed within a day or two. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "residency/shelf.hpp"

namespace faelled::residency {

class Tuner {
 public:
  explicit Tuner(std::uint64_t bytes);  // of the memory

  // A request, before its model's demand has counted it.
  void asked(ModelNumber model, std::span<const Model> catalogue, Instant now);
  const Weighing& weighing() const { return weighings[followed_]; }

 private:
  struct Imagined {
    Shelf shelf;
    double load_s = 0;  // of late: halved every two days
  };
  std::vector<Imagined> imagined_;
  std::size_t followed_;
  Instant last_{};
};

}  // namespace faelled::residency
