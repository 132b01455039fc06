// What happens to the commons and what it does about it. Values only; ids are those of the catalogue and the directory.
// The decision log holds exactly these, so that a replay needs nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/clock.hpp"

namespace faelled::commons {

using Work = std::int64_t;  // prompt tokens not cached × Price::prompt + output tokens × Price::output
using TicketNumber = std::uint64_t;

// Larger figures in an event count as these: 2^37 of work for one ticket at most, so that no sum overflows.
inline constexpr std::uint32_t tokens_max = 1U << 24U;
inline constexpr std::uint32_t price_max = 1U << 12U;
inline constexpr std::uint32_t ticket_places_max = 1U << 12U;
inline constexpr std::uint64_t share_max = 1'000'000;

enum class Lane : std::uint8_t { interactive, batch };

// Work per token: integers, per model; a benchmark's currency is 1 and 2.
struct Price {
  std::uint32_t prompt = 1;
  std::uint32_t output = 2;
  bool operator==(const Price&) const = default;
};

// What an agreement gives a member from now on. A member without one has the defaults.
struct Agree {
  std::string member;
  std::uint64_t share = 1;   // 1 … 1,000,000: weight
  std::uint32_t places = 0;  // hard limit on what runs at once, in places; 0: none
  bool operator==(const Agree&) const = default;
};

// A balance from before this process began; added to the member's own.
struct Restore {
  std::string member;
  Work credit = 0;
  Work lent = 0;
  Work borrowed = 0;
  bool operator==(const Restore&) const = default;
};

// The most that was delivered between two settlements, from before this process began.
struct Capacity {
  Work per_s = 0;
  bool operator==(const Capacity&) const = default;
};

// The member has left: nothing of it waits or runs any more, and its credit is gone.
struct Leave {
  std::string member;
  bool operator==(const Leave&) const = default;
};

// An engine is there, or is not what it was. `places`: running tickets at most; 0: it takes none for now.
// A paced engine takes only as many as it asks for with Room, as vLLM's room depends on what runs in it.
struct EngineIs {
  std::string engine;
  std::string model;
  std::uint32_t places = 0;
  std::uint32_t ticket_places = 1;  // what one running request of this model counts against a member's limit
  bool paced = false;
  Price price;
  bool operator==(const EngineIs&) const = default;
};

// Its tickets end by End events of their own, before or after.
struct EngineGone {
  std::string engine;
  bool operator==(const EngineGone&) const = default;
};

struct Arrive {
  TicketNumber ticket = 0;
  std::string member;
  std::string caller;  // user or key
  std::string model;
  Lane lane = Lane::interactive;
  bool revocable = false;  // batch that nobody has seen a byte of: may be taken back and begun again
  std::uint32_t prompt_tokens = 0;
  std::uint32_t output_tokens_max = 0;  // 0: the engine's own bound
  Instant deadline;                     // of the wait
  bool operator==(const Arrive&) const = default;
};

// A paced engine takes `count` more tickets now. It replaces what it said before. One that is not paced has room again.
struct Room {
  std::string engine;
  std::uint32_t count = 1;
  bool operator==(const Room&) const = default;
};

// The engine had no room for what it was granted: the ticket goes back to its place in line, and nothing else is
// granted to the engine until it says Room again; one that is not paced also when a ticket of it ends, when it is told
// anew and at the next Tick. Other engines may take the ticket at once.
struct Declined {
  TicketNumber ticket = 0;
  bool operator==(const Declined&) const = default;
};

// Tokens so far. Later ones replace earlier ones.
struct Progress {
  TicketNumber ticket = 0;
  std::uint32_t prompt_tokens = 0;  // not cached
  std::uint32_t output_tokens = 0;
  bool operator==(const Progress&) const = default;
};

enum class Ending : std::uint8_t {
  done,       // the engine's counts are the truth
  cancelled,  // client gone, refused, deadline: also withdraws one that waits
  failed,     // the engine broke it off
  returned,   // revoked batch, or no byte was seen of it: it waits again, with its place in line
};

struct End {
  TicketNumber ticket = 0;
  Ending how = Ending::done;
  std::uint32_t prompt_tokens = 0;  // not cached
  std::uint32_t output_tokens = 0;
  bool operator==(const End&) const = default;
};

// Time passes: waits end, credits are settled.
struct Tick {
  bool operator==(const Tick&) const = default;
};

using Event =
    std::variant<Agree, Restore, Capacity, Leave, EngineIs, EngineGone, Arrive, Room, Declined, Progress, End, Tick>;

enum class Why : std::uint8_t {
  floor,     // its member has had less than its agreement gives, or than its part of what all active members had
  borrowed,  // it has had more: what others leave idle is lent
};

struct Grant {
  TicketNumber ticket = 0;
  std::string engine;
  Why why = Why::floor;
  Work charged = 0;
  bool operator==(const Grant&) const = default;
};

// Take this batch ticket back: a floor claim waits and has no room. End{returned} answers it.
struct Revoke {
  TicketNumber ticket = 0;
  TicketNumber on_behalf_of = 0;
  bool operator==(const Revoke&) const = default;
};

// It has waited as long as it may. It waits no more; no End follows.
struct Expire {
  TicketNumber ticket = 0;
  bool operator==(const Expire&) const = default;
};

// The line of its model is full, and its member has the most in it. It waits no more; no End follows.
struct Refuse {
  TicketNumber ticket = 0;
  bool operator==(const Refuse&) const = default;
};

using Action = std::variant<Grant, Revoke, Expire, Refuse>;

}  // namespace faelled::commons
