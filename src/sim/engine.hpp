// Engine: one simulated inference server. Lives from turn to turn: at each it finishes what was under way, and begins
// the next thing. Desk is all that it sees of the world: who is next, and whom to tell what happened. Owned by run().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "sim/policy.hpp"
#include "sim/trace.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

class Desk {
 public:
  virtual ~Desk() = default;
  virtual const Request& request(RequestId id) const = 0;
  virtual std::optional<RequestId> next(Instant now, EngineId engine) = 0;
  virtual void granted(Instant now, RequestId id, EngineId engine) = 0;
  virtual void declined(Instant now, RequestId id, EngineId engine) = 0;
  virtual void progressed(Instant now, RequestId id, std::uint32_t output_tokens) = 0;
  virtual void preempted(Instant now, RequestId id) = 0;
  virtual void ended(Instant now, RequestId id) = 0;
};

struct Turn {
  Instant at = Instant::max();            // of the next one; max: only what arrives wakes it
  std::optional<Duration> arrival_wakes;  // at the next multiple of this after the turn; 0: at once; none: it is busy
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Turn turn(Instant now, Desk& desk) = 0;
};

// Lengths of steps: what the model says, times (1 + jitter × a normal deviate drawn once: this run's machine) times
// (1 + jitter × one drawn for each step).
class StepLength {
 public:
  StepLength(double jitter, std::uint64_t seed);
  Duration operator()(double seconds);

 private:
  double factor();

  double jitter_;
  SeededRandom random_;
  double machine_ = 1;
};

std::unique_ptr<Engine> make_engine(EngineId id, const EngineModel& model, StepLength length);
// So many requests run on it at a time, at most. Not of OracleBatching, which knows no such number.
std::uint32_t places_of(const EngineModel& model);
// Whether the engine would take the request when it is empty.
bool can_ever_fit(const EngineModel& model, const Request& request);

}  // namespace faelled::sim
