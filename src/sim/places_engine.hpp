// An engine of equal places, each as fast as if it were alone: what a pool of machines looks like from afar. Private to
// sim.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/engine.hpp"

namespace faelled::sim {

class PlacesEngine final : public Engine {
 public:
  PlacesEngine(EngineId id, const Places& places, StepLength length) : id_(id), places_(places), length_(length) {}
  Turn turn(Instant now, Desk& desk) override;

 private:
  // The next thing to tell of a running request: its first token, some more, its last.
  struct Mark {
    Instant at;
    RequestId id;
    std::uint32_t produced;  // output tokens by then
    Duration token;          // each of the rest takes so long
    bool operator>(const Mark& other) const { return std::tie(at, id) > std::tie(other.at, other.id); }
  };
  void follow(Mark mark, std::uint32_t output_tokens);

  EngineId id_;
  Places places_;
  StepLength length_;
  std::vector<Mark> marks_;  // a heap, the next on top; one for each running request
};

}  // namespace faelled::sim
