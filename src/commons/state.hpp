// What the scheduler knows of members, callers, tickets, engines and lines. Plain records that point at each other; the
// Scheduler's body owns them all and is the only one that changes them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/text_hash.hpp"
#include "commons/decay.hpp"
#include "commons/estimate.hpp"
#include "commons/events.hpp"

namespace faelled::commons {

struct Member;
struct Caller;
struct Line;
struct Engine;
struct Ticket;
struct MemberLine;

// Work per share in fixed point: a unit of work of a member with the largest share still counts.
using Count = __int128;  // of 64 bits, one busy member with the smallest share would fill them in a hundred days
inline constexpr Count count_scale = Count{1} << 20;
inline Count share_of(Work work, std::uint64_t share) { return Count{work} * count_scale / static_cast<Count>(share); }
// Recent work per share of a member without an agreement counts as so much more where members are sorted by it.
inline constexpr Weighed without_agreement = Weighed{1} << 120;

// Tickets of one caller and lane that wait in one line, first come first: linked through the tickets.
struct Queue {
  Ticket* first = nullptr;
  Ticket* last = nullptr;
  std::size_t size = 0;
};

struct CallerKey {  // who of a member is next: a person before a batch job, then the least served, then first come
  bool batch = false;
  Count count = 0;
  std::uint64_t order = 0;
  auto operator<=>(const CallerKey&) const = default;
};

// What a member has had of one model. Each line counts for itself: an engine's pace on one model says nothing about who
// is next for another; what a member has of all of them together its floor looks at.
struct Standing {
  Count count = 0;
  Count caller_time = 0;  // count of the caller that had the last turn
};

struct MemberKey {
  Weighed first = 0;  // what the index sorts by
  Count count = 0;
  std::uint32_t number = 0;
  auto operator<=>(const MemberKey&) const = default;
};
using MemberIndex = std::map<MemberKey, MemberLine*>;

// A caller that waits in a line.
struct CallerLine {
  Caller* caller = nullptr;
  MemberLine* of = nullptr;
  Queue interactive;
  Queue batch;
  CallerKey key;
};

// A member that waits in a line.
struct MemberLine {
  Member* member = nullptr;
  Line* line = nullptr;
  Standing* standing = nullptr;
  std::size_t tickets = 0;
  std::size_t interactive = 0;
  std::unordered_map<Caller*, CallerLine> callers;
  std::map<CallerKey, CallerLine*> next;
  bool batch_only = false;                  // as listed
  bool listed = false;                      // in the line's indices, there; not while its member has all its places
  bool claims = false;                      // as listed: its member is below its entitlement
  MemberIndex::iterator by_count, by_load;  // by_count: in `claims` or `by_credit`; by_load: only where it is in that
};

// All who wait for one model.
struct Line {
  std::string model;
  Price price;
  std::uint32_t ticket_places = 1;
  std::unordered_map<Member*, MemberLine> members;
  std::unordered_map<Member*, Standing> standings;  // of all that ever waited here
  // Those that claim their entitlement, least counted first; all others by claim on what is lent, and by recent work
  // per share. A member's load grows with each charge, so these two are put right only where they are looked at: one in
  // `claims` may be above its entitlement by now, and a key of `by_load` may be too small, never too large.
  MemberIndex claims, by_credit, by_load;
  std::vector<Engine*> engines;
  std::set<std::pair<std::uint64_t, Ticket*>> revocable;  // running batch that may be taken back, by order of grant
  std::size_t tickets = 0;
  std::size_t revoking = 0;
  bool known = false;      // an engine serves it or has done so; else it goes with its last ticket
  Estimate answers;        // of all callers, for those who have had none
  Count virtual_time = 0;  // least count among those who waited last
  Work mean_work = 0;      // of a request: an average over some 64
};

struct Engine {
  std::string id;
  Line* line = nullptr;
  std::uint32_t places = 0;
  bool paced = false;
  std::uint32_t room = 0;  // of a paced one: what it still takes
  std::uint32_t running = 0;
  bool held = false;  // it declined: its room is kept until it may have changed
  bool gone = false;  // only until the last of its tickets has ended; one of its name may be there again by then

  bool takes() const { return !gone && !held && running < places && (!paced || room > 0); }
};

struct Caller {
  std::string id;
  Member* member = nullptr;
  std::vector<std::pair<const Line*, Count>> counts;  // few: the models it uses
  std::uint32_t tickets = 0;
  Estimate answers;
  std::vector<CallerLine*> waits;

  Count& count(const Line* at) {
    for (auto& [line, count] : counts)
      if (line == at) return count;
    return counts.emplace_back(at, 0).second;
  }
};

struct Member {
  std::string id;
  std::uint32_t number = 0;  // in order of first being heard of: breaks ties
  std::uint64_t share = 1;
  std::uint32_t places_max = 0;
  bool agreed = false;  // counts among all shares
  bool left = false;    // forgotten when nothing of it waits or runs
  Weighed load = 0;     // charged, decayed
  Work delivered = 0;
  Work outstanding = 0;
  Work settled = 0;  // delivered up to the last settlement
  Work credit = 0;
  Work lent = 0;
  Work borrowed = 0;
  std::uint32_t waiting = 0;
  std::uint32_t running = 0;
  std::uint32_t places = 0;
  Estimate answers;
  std::vector<MemberLine*> waits;
  std::unordered_map<std::string, Caller, TextHash, std::equal_to<>> callers;

  bool active() const { return waiting + running > 0; }
};

struct Ticket {
  TicketNumber number = 0;
  Caller* caller = nullptr;
  Line* line = nullptr;
  Standing* standing = nullptr;
  Engine* engine = nullptr;     // null: waits
  CallerLine* waits = nullptr;  // where, while it waits
  Ticket* before = nullptr;
  Ticket* after = nullptr;
  std::uint64_t order = 0;
  Instant deadline;
  std::set<std::pair<Instant, TicketNumber>>::iterator deadline_at;  // while it waits and has one
  Price price;               // as it was at the grant, as are the next: an engine may change them while it runs
  std::uint32_t places = 0;  // of its member, while it runs
  Work charged = 0;
  Weighed weighed = 0;  // of what was charged
  Work delivered = 0;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t output_tokens_max = 0;
  std::uint32_t output_charged = 0;
  std::uint32_t output_tokens = 0;
  Lane lane = Lane::interactive;
  bool revocable = false;
  bool revoking = false;
  bool prompt_known = false;  // the engine has counted it
};

}  // namespace faelled::commons
