// Rank: which model leaves a memory first, by one number each, the least first. Recency, GDSF and foresight, for
// sim/memory.hpp and, where answers take time, for a rule of sim/turn_choosers.hpp. Told of every request in order of
// time.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "sim/trace.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

class Rank {
 public:
  virtual ~Rank() = default;
  // `row`: of the trace, for one that knows the future.
  virtual void asked(std::uint32_t model, RequestId row) = 0;
  // It was there when it was asked for, or is loaded.
  virtual void kept(std::uint32_t) {}
  virtual void evicted(std::uint32_t) {}
  virtual double of(std::uint32_t model) const = 0;
};

// lru, gdsf, belady.
std::vector<std::string_view> rank_names();

// The trace outlives the rank. `shapes`: of each of its models. Null: there is no such name.
std::unique_ptr<Rank> make_rank(std::string_view name, const Trace& trace, const std::vector<ModelShape>& shapes);

}  // namespace faelled::sim
