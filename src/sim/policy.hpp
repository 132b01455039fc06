// Policy: who is next. The one seam between the simulated world and the scheduler under test: baselines stand here
// beside the scheduler of src/commons. Told everything that happens, asked whenever an engine has room. Owned by the
// caller of run(); one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "sim/trace.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

using EngineId = std::uint32_t;  // its place in World::engines

// What a policy may know of the world beforehand.
struct Setting {
  std::vector<std::uint32_t> shares;      // by member
  std::vector<std::vector<bool>> serves;  // [engine][model]
  WorkPrice work;
};

class Policy {
 public:
  virtual ~Policy() = default;

  // Only an oracle looks at request.output_tokens.
  virtual void arrived(Instant now, RequestId id, const Request& request) = 0;
  // Whom to try on this engine; takes nothing yet. granted() or declined() follows at once.
  virtual std::optional<RequestId> next(Instant now, EngineId engine) = 0;
  virtual void granted(Instant now, RequestId id, EngineId engine) = 0;
  // It did not fit; the engine asks again later.
  virtual void declined(Instant /*now*/, RequestId /*id*/, EngineId /*engine*/) {}
  // Has so many output tokens now. Also after the last one, before ended().
  virtual void progressed(Instant /*now*/, RequestId /*id*/, std::uint32_t /*output_tokens*/) {}
  // Lost its memory for others that run. Its engine computes it again before it asks for anybody else; what it has
  // produced stays.
  virtual void preempted(Instant /*now*/, RequestId /*id*/) {}
  virtual void ended(Instant /*now*/, RequestId /*id*/) {}
  // Waited as long as its member waits, and goes unserved.
  virtual void gave_up(Instant now, RequestId id) = 0;
  // So far; none for a policy that promises no floor.
  virtual std::optional<std::uint64_t> floor_violations() const { return std::nullopt; }
};

// "fcfs", "vtc", …; see policy_names(). Errors: invalid for another name.
Expected<std::unique_ptr<Policy>> make_policy(std::string_view name, const Setting& setting);
std::vector<std::string_view> policy_names();

}  // namespace faelled::sim
