// Shelf: a memory of so many bytes and the models that lie in it. Says who must go for one that comes: the least worth
// first until there is room; then those of them that still fit are put back, the most worth first ("pack"). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "residency/worth.hpp"

namespace faelled::residency {

class Shelf {
 public:
  explicit Shelf(std::uint64_t bytes) : bytes_(bytes) {}

  bool holds(ModelNumber model) const;
  std::vector<ModelNumber> models() const;
  std::uint64_t free() const { return bytes_ - used_; }

  // Puts a model in that is not there, and gives those that went for it. None: it is larger than the whole memory.
  std::optional<std::vector<ModelNumber>> put(ModelNumber model, std::span<const Model> catalogue,
                                              const Weighing& weighing, Instant now);

 private:
  struct Held {
    ModelNumber model;
    std::uint64_t bytes;  // when it was put in: what the catalogue says may change
  };

  std::uint64_t bytes_;
  std::uint64_t used_ = 0;
  std::vector<Held> held_;  // few; in no order
};

}  // namespace faelled::residency
