// What people are told of tickets, models, memories and members. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "rpc/messages.hpp"

namespace faelled::rpc {

// What holds a ticket back.
enum class WaitCause : std::uint8_t {
  none,             // nothing: it runs, or is next
  model_not_ready,  // no engine serves its model now
  places,           // its member runs as much as its agreement allows
  colleagues,       // others of its own member come first
  floor_claims,     // all places are taken; its member has a claim and gets its turn
  borrowing,        // all places are taken, and its member has had more than its floor
};

// A live ticket, for the person who asks why it waits.
struct TicketStatus {
  std::uint64_t ticket = 0;
  std::string request_id;
  std::string member;
  std::string caller;
  std::string model;
  Lane lane = Lane::interactive;
  bool running = false;
  WaitCause cause = WaitCause::none;
  std::uint32_t position = 0;       // 1: next of its model; 0: it runs
  std::uint32_t share_percent = 0;  // its member's work of the last minute, in per cent of its floor
  Duration waited{};
  Duration turn_in{};  // estimate from how fast the line has moved; zero: unknown
  bool operator==(const TicketStatus&) const = default;
};

// Of a model whose file is fetched, or could not be.
struct Fetching {
  std::uint64_t bytes = 0;  // that are here
  std::uint64_t total = 0;  // 0: not known yet
  Duration left{};          // estimate; zero: unknown
  bool failed = false;      // nothing is tried any more
  std::string detail;       // for operators: why it failed last, or the words
  std::string words;        // for everybody, what goes on "The model …"; none where it failed
  std::string words_da;
  bool operator==(const Fetching&) const = default;
};

// A model of the catalogue as it stands now, over all engines that serve it.
struct ModelStatus {
  std::string model;
  EngineState state = EngineState::absent;
  std::string detail;
  Duration ready_in{};
  std::uint32_t context_tokens = 0;
  std::uint32_t places = 0;
  std::uint32_t running = 0;
  std::uint32_t waiting = 0;
  bool operator==(const ModelStatus&) const = default;
};

// Why a model comes into a memory or goes.
enum class ResidencyCause : std::uint8_t {
  none,
  asked,       // comes: somebody waits for it
  pinned,      // comes: an operator wants it there always
  at_start,    // comes: there was room, when the server began or when it came into the catalogue or changed
  ordered,     // comes or goes: an operator said so
  makes_room,  // goes: unused, and another is waited for
  line_empty,  // goes: nobody waits for it, another is waited for; its last answers end first
  turn_over,   // goes: it had its longest turn, and another is waited for
  unused,      // goes: nobody has asked for long
  broken,      // its engine ended by itself, or never became ready
  removed,     // goes: it left the catalogue
  habit,       // comes: it is asked for at this time on most days, and there is room
  keeps,       // goes: it was to sleep, and gave back less than half of the memory it should have
  elsewhere,   // goes: asleep and asked for, and another memory has room for it now
  busy,        // a further engine comes: the places of the others are full, people wait, and there is room
  spare,       // goes: another is waited for, and its model has a further engine
  enough,      // goes: the other engines of its model serve all who come
  recalled,    // is there again: it was to make room, and that is no longer needed
  overdue,     // goes: it was loading for far longer than it takes, and another is waited for
};

// A further engine of a model, on another device than the first.
struct ModelCopy {
  std::string node;
  std::string device;
  EngineState state = EngineState::absent;
  ResidencyCause cause = ResidencyCause::none;  // of the state
  std::string other;                            // the model that it makes room for
  Duration in_state{};
  std::uint64_t taken = 0;  // of its device, now
  std::uint32_t running = 0;
  bool operator==(const ModelCopy&) const = default;
};

// A model of the catalogue and the memory it lies in, takes or would take.
struct ModelResidency {
  std::string model;
  std::string node;    // empty: nowhere
  std::string device;  // empty: nowhere
  EngineState state = EngineState::absent;
  ResidencyCause cause = ResidencyCause::none;  // of the state
  std::string other;                            // the model that it makes room for
  Duration in_state{};
  std::uint64_t bytes = 0;       // it needs, by its file or as it was read; 0: it takes none of our memory
  std::uint64_t bytes_read = 0;  // as last read
  bool pinned = false;
  DeviceKind kind = DeviceKind::host;  // of the memory that it is made for
  bool spreads = false;                // it can lie in several GPUs together
  bool fits = true;                    // false: no memory here is large enough
  bool may_be_tried = false;           // by its file it would fit: an order to load it tries it again
  std::string detail;                  // why it failed or cannot be served, in plain words
  std::uint64_t taken = 0;             // of its device, now
  std::string backing;                 // device of its node where its weights lie while it sleeps
  std::uint64_t backed = 0;            // of that one, now; not 0 before it sleeps: it will
  std::uint8_t sleep_level = 0;        // it sleeps or wakes at, or will; 2: its weights lie nowhere; 0: it does not
  bool can_sleep = false;              // where it lies, or anywhere here while it lies nowhere
  Duration load_time{};                // measured, else estimated
  Duration wake_time{};                // the same from sleep; zero: it cannot sleep
  Duration ready_in{};                 // estimate while it comes or is waited for; zero: unknown
  double asked_per_hour = 0;
  std::uint32_t running = 0;  // on all its engines
  std::uint32_t waiting = 0;
  std::optional<Fetching> fetching = {};  // its file is not here
  std::vector<ModelCopy> copies = {};
  bool scales = false;                     // engines, the first too, were ordered and come: see ResidencyPort::scale()
  std::vector<std::string> adapters = {};  // that each of its engines that answers has
  bool operator==(const ModelResidency&) const = default;
};

struct DeviceResidency {
  std::string node;
  std::string device;
  std::uint64_t bytes = 0;     // for models
  std::uint64_t taken = 0;     // by models that are there, come or still go
  std::uint64_t reserved = 0;  // for a model that comes once others have gone
  DeviceKind kind = DeviceKind::host;
  std::uint32_t cards = 1;  // more: GPUs together
  bool operator==(const DeviceResidency&) const = default;
};

// Whether a model can lie there, were there room.
inline bool suits(DeviceKind made_for, bool spreads, const DeviceResidency& device) {
  return made_for == device.kind && (device.cards == 1 || spreads);
}
inline bool suits(const ModelResidency& model, const DeviceResidency& device) {
  return suits(model.kind, model.spreads, device);
}

// One decision of the planner, or what became of one.
struct ResidencyEvent {
  // serve: it was to go and stays; sleep: it is told to; asleep: it does; wake: it is told to, and ready is told as
  // after a load.
  enum class What : std::uint8_t { load, ready, drain, serve, unload, gone, failed, pin, unpin, sleep, asleep, wake };
  std::uint64_t number = 0;  // counts from 1
  WallTime at;
  What what = What::load;
  ResidencyCause cause = ResidencyCause::none;
  std::string model;
  std::string other;
  std::string node;
  std::string device;
  std::uint64_t bytes = 0;
  Duration took{};  // ready: the load or waking; gone, asleep: what came before
  std::string detail;
  std::uint8_t level = 0;  // sleep, asleep, wake: at, or from
  bool operator==(const ResidencyEvent&) const = default;
};

// Since this process began, by the configuration's watts; no meter is read.
struct ModelledEnergy {
  double idle_wh = 0;  // watt-hours of devices whose engines nobody used
  double load_wh = 0;  // of loads and wakings
  bool operator==(const ModelledEnergy&) const = default;
};

enum class ResidencyAct : std::uint8_t { load, unload, pin, unpin, sleep, wake };

// A member's part of the commons. Work as the commons counts it; since this process began where nothing else is said.
struct MemberShare {
  std::string member;
  std::uint64_t share = 1;
  std::uint64_t shares_all = 1;  // of all members with an agreement
  std::uint32_t places = 0;      // in use
  std::uint32_t places_max = 0;  // 0: no limit
  std::uint32_t waiting = 0;
  std::uint32_t running = 0;
  std::int64_t recent = 0;  // of the last minute
  std::int64_t floor = 0;   // what it could claim of the last minute beside those who wait or run now
  std::int64_t entitled_per_s = 0;
  std::int64_t delivered = 0;
  std::int64_t lent = 0;  // also from before, as credit
  std::int64_t borrowed = 0;
  std::int64_t credit = 0;
  Duration wait_p50{};  // of the last tickets that were granted; zero: there are none
  Duration wait_p95{};
  bool operator==(const MemberShare&) const = default;
};

// One stretch of a member's past.
struct ShareSample {
  WallTime from;
  std::int64_t entitled = 0;  // work in this stretch
  std::int64_t own = 0;       // delivered within its entitlement
  std::int64_t lent = 0;
  std::int64_t borrowed = 0;
  Duration wait_p50{};
  Duration wait_p95{};
  bool operator==(const ShareSample&) const = default;
};

}  // namespace faelled::rpc
