// Tuner: which weighing serves best here and now, found by letting each of them rule a memory of the same size that is
// only imagined. What is asked for is asked of all; the one with the fewest load seconds of late is followed. So no
// setting has to be guessed, and a bad day of one is noticed within a day or two.
//
// LRU is among them. It is followed until it has loaded often, and another has saved several loads: on a short or
// strange trace nothing that is cleverer has shown that it is. One more memory is ruled by whatever was followed at
// each time: where that one is behind LRU, LRU is followed until it has caught up. Pure.
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
    std::uint64_t loads = 0;
    void ask(const Weighing& by, ModelNumber model, std::span<const Model> catalogue, Instant now, double decay);
  };
  void choose(double last_load_s);

  std::vector<Imagined> imagined_;
  Imagined ours_;
  std::size_t followed_;
  bool behind_ = false;
  Instant last_{};
};

}  // namespace faelled::residency
