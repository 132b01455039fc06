// Scheduler: who is next. The commons of the design: floors counted in work, virtual counters with a bounded head
// start, expected work charged at the grant and trued up, credit for lending, two levels, lanes. Pure: time comes with
// each event and never runs backwards here; the same events give the same actions on every machine. One owner (the
// mesh, the simulator or a replay), one thread.
//
// Sources: virtual counters with lift: Sheng et al., "Fairness in Serving Large Language Models" (OSDI '24); credit:
// Vuppalapati et al., "Karma" (OSDI '23). What differs and why: docs/decisions/0019-commons.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commons/events.hpp"

namespace faelled::commons {

struct Settings {
  Duration settle_every = std::chrono::seconds(10);  // credits
  Duration credit_step = std::chrono::seconds(10);   // of entitlement: a smaller balance is no credit
  Duration credit_max = std::chrono::hours(7 * 24);  // of entitlement, on either side of zero
  std::uint32_t output_tokens_guess = 256;           // of the first answer there ever was
  std::uint32_t head_start_percent = 100;            // of a mean request's work
  std::uint32_t look_ahead_tokens = 128;             // of the output still expected: charged before they come
  std::uint32_t waiting_max = 0;                     // tickets of one model that wait; 0: no bound
  bool revoke_batch = true;
  bool operator==(const Settings&) const = default;
};

// One member as the commons sees it. Work is in units of Price.
struct MemberState {
  std::string member;
  std::uint64_t share = 0;
  std::uint64_t shares_all = 0;  // of all members with an agreement
  std::uint32_t waiting = 0;
  std::uint32_t running = 0;
  std::uint32_t places = 0;      // running, in places
  std::uint32_t places_max = 0;  // 0: none
  Work delivered = 0;            // since the start
  Work outstanding = 0;          // charged and not yet delivered
  Work credit = 0;               // lent less borrowed, bounded
  Work lent = 0;                 // since the start
  Work borrowed = 0;
  Work entitled_per_s = 0;  // its share of the capacity, used or not
  Work recent = 0;          // charged, decayed over a minute
  Work floor = 0;           // what `recent` may be before the member is a borrower; all there is if it is alone
  bool operator==(const MemberState&) const = default;
};

// Why a ticket waits, and what would let it go.
struct Explanation {
  enum class State : std::uint8_t { unknown, waiting, running };
  enum class Cause : std::uint8_t {
    none,          // it runs, or will with the next event
    no_engine,     // no engine of its model takes tickets now
    places,        // its member runs as much as its agreement allows
    colleagues,    // its own member's others are before it
    floor_claims,  // every place is taken, and its turn by its member's floor comes
    borrowing,     // every place is taken, and its member has had more than its floor: others go first
  };
  State state = State::unknown;
  Cause cause = Cause::none;
  std::uint32_t position = 0;       // 1: next of its model
  std::uint32_t share_percent = 0;  // recent work of its member in per cent of its floor
  std::string member;
  std::string model;
  std::string engine;  // where it runs
  bool operator==(const Explanation&) const = default;
};

class Scheduler {
 public:
  explicit Scheduler(Settings settings = {});
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // What is to be done about it, valid until the next call. An event that names what is not there (a ticket that has
  // ended, an engine that has gone) changes nothing: such events race with their cause.
  std::span<const Action> step(Instant now, const Event& event);

  Explanation explain(TicketNumber ticket) const;
  std::optional<MemberState> member(std::string_view id) const;
  std::vector<MemberState> members() const;                                            // by id
  std::vector<TicketNumber> waiting(std::string_view model, std::size_t limit) const;  // in the order they would go now
  std::optional<Instant> next_tick() const;  // when the next wait ends or the next settlement is due

  Work capacity_per_s() const;

  std::size_t waiting() const;
  std::size_t running() const;

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace faelled::commons
