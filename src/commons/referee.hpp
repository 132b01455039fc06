// Referee: the one checker of what the commons promises, for tests, simulator, audit and pages. It sees what happened
// and what the scheduler did about it, nothing of its inside; what it compares with it recomputes by itself
// (referee_books.hpp). One owner, one thread.
//
// Differs from the design's list in three places, because what stands there is not true of any scheduler that cannot
// look ahead, or not of this one (docs/decisions/0019-commons.md):
// * The claim that goes before all others is the entitlement (share of all agreements, of the capacity), not the share
//   of those active now: `floor` is checked against that.
// * "At most one largest request plus one batch behind the fluid share" does not hold as written: a member has many
//   requests running at once, each charged ahead and trued up later. Proven instead, and checked as `lag`, for members
//   i and j that both wait without a break since t0, in the same class at every grant to either:
//     S_j/w_j − S_i/w_i ≤ max(0, C_i − C_j at t0) + n_j l_j / w_j + n_i l_i / w_i
//   S: work charged on this model since t0; w: share; C: virtual count; n: the most of its tickets that ran at once; l:
//   its largest charge for one. (At the last grant to j it was C_j ≤ C_i; since then j can have been charged for no
//   more than what runs of it, and i can have got back no more than what ran of it then.)
// * The ledger's equality is the ledger's; here `books` compares work delivered with what Progress and End told.
//
// Class: claims its entitlement or borrows; a person waits or batch alone; of borrowers also whether it has credit and,
// without an agreement, whether it is below its floor. Members that have all their places stand in no class while they
// do.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commons/scheduler.hpp"

namespace faelled::commons {

class RefereeBooks;

enum class Invariant : std::uint8_t {
  conservation,  // after an event no engine takes more while a ticket of its model waits whose member may run
  floor,         // no grant to one above its entitlement while one below its own waits for the model and may run
  lanes,         // no batch before people of the same claim; none before people of the same member
  order,         // within a class the least counted first
  lag,           // the bound above
  places,        // hard limits: a member's places, an engine's places and room
  tickets,       // only what waits is granted, expires or is refused: by an engine of its model, when it should, and in
                 // a full line the last ticket of whoever has the most in it
  revoked,       // only revocable batch that runs, once, for a person that waits, and only without room
  charged,       // a grant charges what is expected, and says rightly why
  transfers,     // at a settlement the lent is the borrowed
  books,         // what the scheduler says of its members is what the events told
};
inline constexpr std::size_t invariants = 11;
std::string_view name_of(Invariant invariant);

class Referee {
 public:
  static constexpr std::size_t violations_told_max = 16;

  explicit Referee(const Settings& settings = {});
  ~Referee();
  Referee(const Referee&) = delete;
  Referee& operator=(const Referee&) = delete;

  // After each step, with what it was given and what it gave.
  void saw(Instant now, const Event& event, std::span<const Action> actions);

  // The scheduler's own figures; any time.
  void compare(const Scheduler& scheduler);

  std::uint64_t count(Invariant invariant) const { return counts_[static_cast<std::size_t>(invariant)]; }
  std::uint64_t total() const;
  const std::vector<std::string>& violations() const { return told_; }  // the first ones

 private:
  struct Checks;
  void found(Invariant invariant, std::string what);

  std::unique_ptr<RefereeBooks> books_;
  std::array<std::uint64_t, invariants> counts_{};
  std::vector<std::string> told_;
};

}  // namespace faelled::commons
