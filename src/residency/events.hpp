// What happens to memories and the models that want to lie in them, and what the planner does about it. Values only;
// models and devices are numbers that their owner gives, dense from 0.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "residency/habit.hpp"
#include "residency/worth.hpp"

namespace faelled::residency {

using DeviceNumber = std::uint32_t;
using TicketNumber = std::uint64_t;

inline constexpr ModelNumber no_model = UINT32_MAX;
inline constexpr DeviceNumber no_device = UINT32_MAX;

// Why a model comes or goes.
enum class Cause : std::uint8_t {
  none,
  asked,
  pinned,
  at_start,
  ordered,
  makes_room,
  line_empty,
  turn_over,
  unused,
  broken,
  removed,
  habit,      // it is asked for at this time on most days, and there is room
  keeps,      // it was to sleep, and gave back less than half of what it should have
  elsewhere,  // it sleeps where there is no room, and another memory has some
  busy,       // the places of its engines are full, people wait, and another memory has room
  spare,      // its model has a further engine, and another is waited for
  enough,     // the other engines of its model serve all who come
  recalled,   // it was to make room, and that is no longer needed
  overdue,    // it has been loading for far longer than it takes, and another is waited for
};

// Whose memory: an engine is made for one kind.
enum class DeviceKind : std::uint8_t { host, gpu };

// A model is in the catalogue, or is not what it was.
struct ModelIs {
  ModelNumber model = 0;
  std::uint64_t bytes = 0;                  // it needs, by its file
  Duration load = std::chrono::seconds(1);  // estimate until it was measured
  std::uint32_t places = 1;
  bool pinned = false;
  bool at_start = false;          // loaded without being asked for, once, if there is room
  std::uint64_t sleep_bytes = 0;  // it takes of its device's backing while it sleeps; 0: it cannot sleep
  std::uint64_t residue = 0;      // it keeps of its device meanwhile
  DeviceKind kind = DeviceKind::host;
  std::uint32_t copies = 1;  // most engines of it at once, each on a device of its own
  bool forgets = false;      // it can sleep at level 2: without its weights, which it reads from the disk again
  bool spreads = false;      // its engine can divide it among several GPUs
};
struct ModelGone {
  ModelNumber model = 0;
};
struct DeviceIs {
  DeviceNumber device = 0;
  std::uint64_t bytes = 0;
  DeviceKind kind = DeviceKind::host;
  DeviceNumber backing = no_device;  // where those that sleep on it leave their weights; none: nothing sleeps there
  std::uint32_t cards = 1;           // more: GPUs together, for models that spread
};

// Several at once, so that nothing is planned for a part of them.
struct DevicesAre {
  std::vector<DeviceIs> devices;
};

// `weight`: of its wait beside that of others; 1 on average.
struct Arrived {
  TicketNumber ticket = 0;
  ModelNumber model = 0;
  double weight = 1;
};
struct Started {
  TicketNumber ticket = 0;
  DeviceNumber device = no_device;  // of the engine it runs on; none: its model has one alone
};
struct Returned {  // it waits again
  TicketNumber ticket = 0;
};
struct Ended {  // whether it waited or ran
  TicketNumber ticket = 0;
};

// What an engine is that a Load began.
enum class EngineState : std::uint8_t { loading, ready, failed, asleep };
struct EngineIs {
  ModelNumber model = 0;
  DeviceNumber device = 0;
  EngineState state = EngineState::loading;
  std::uint64_t bytes_read = 0;  // 0: not read
  Duration load{};               // measured; zero: not yet
};
// Its process has ended, and its memory is free, where it slept too.
struct EngineGone {
  ModelNumber model = 0;
  DeviceNumber device = no_device;  // none: its model has one alone
};

enum class Act : std::uint8_t {
  load,
  unload,
  sleep,
  wake,
  pin,
  unpin,
  renew,  // it has changed: what runs of it ends in peace, and the next load has it as it is now
};
struct Order {
  ModelNumber model = 0;
  Act act = Act::load;
};
// A model that is ready is to have so many engines, though nobody waits for them. What has no room, or fails, is given
// up; those that are there go as further engines do.
struct Scale {
  ModelNumber model = 0;
  std::uint32_t engines = 1;
};
// A quarter of an hour begins. Without it nothing is learned of the time of day.
struct QuarterIs {
  Quarter quarter;
};
// What was learned of it before this planner began.
struct HabitIs {
  ModelNumber model = 0;
  Habit habit;
};
// What its loads took before this planner began, while it was said to need so many bytes: another need is another
// model.
struct LoadWas {
  ModelNumber model = 0;
  std::uint64_t bytes = 0;
  Duration load{};
};
struct Tick {};

using Event = std::variant<ModelIs, ModelGone, DeviceIs, DevicesAre, Arrived, Started, Returned, Ended, EngineIs,
                           EngineGone, Order, Scale, QuarterIs, HabitIs, LoadWas, Tick>;

// Begin its engine there. A model has at most one on a device: the two name an engine.
struct Load {
  ModelNumber model = 0;
  DeviceNumber device = 0;
  Cause cause = Cause::none;
  bool operator==(const Load&) const = default;
};
// Give it no more tickets; what runs on it ends in peace.
struct Drain {
  ModelNumber model = 0;
  Cause cause = Cause::none;
  ModelNumber other = no_model;  // for whom
  DeviceNumber device = 0;
  bool operator==(const Drain&) const = default;
};
// The drain is called off.
struct Serve {
  ModelNumber model = 0;
  DeviceNumber device = 0;
  bool operator==(const Serve&) const = default;
};
// Nothing runs on it: end its process. Follows a Drain, or comes alone.
struct Unload {
  ModelNumber model = 0;
  Cause cause = Cause::none;
  ModelNumber other = no_model;
  DeviceNumber device = 0;
  bool operator==(const Unload&) const = default;
};

// Nothing runs on it: let it fall asleep. Follows a Drain, or comes alone; it is told as EngineIs.
struct Sleep {
  ModelNumber model = 0;
  Cause cause = Cause::none;
  ModelNumber other = no_model;  // for whom
  DeviceNumber device = 0;
  std::uint8_t level = 1;  // 1: its weights go to the memory behind its device; 2: nowhere
  bool operator==(const Sleep&) const = default;
};
// It sleeps: have it back where it is.
struct Wake {
  ModelNumber model = 0;
  Cause cause = Cause::none;
  DeviceNumber device = 0;
  bool operator==(const Wake&) const = default;
};

using Action = std::variant<Load, Drain, Serve, Unload, Sleep, Wake>;

}  // namespace faelled::residency
