// Planner: which model lies in which memory, and who yields to whom, when. Pure: time comes with each event and never
// runs backwards; the same events give the same actions. One owner (the mesh or the simulator), one thread.
//
// A model is served until nobody waits for it or its longest turn is over; then it yields to an absent one whose
// tickets have together waited for four switches; so does one whose load is long overdue; one that is unused yields at
// once, the least worth first. Among the absent the largest weighted wait comes first. One switch per device at a time;
// a model that still goes keeps its bytes. Why so, and what others do: docs/decisions/0023-residency-planner.md.
//
// A model whose places are full while people wait gets a further engine on another device, where that takes room from
// nobody who is waited for; it is the first to go (copies.cpp, docs/decisions/0029-copies.md).
//
// Where a device has another memory behind it, an engine that can sleep goes there instead of ending, and is woken in
// the time of a copy (sleep.cpp, docs/decisions/0027-sleep.md). Where there is no room, one that can forgets its
// weights and keeps its process (levels.cpp, docs/decisions/0032-level-2.md).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/seconds.hpp"
#include "residency/events.hpp"
#include "residency/line.hpp"
#include "residency/reading.hpp"
#include "residency/tuner.hpp"

namespace faelled::residency {

struct Settings {
  Duration turn_least = std::chrono::seconds(20);  // the longest turn is never shorter
  double switches_waited = 4;                      // what the absent have waited together before a used model yields
  Duration promise_least = std::chrono::seconds(60);
  Duration unused_after{};  // an unused model goes then, to sleep first where it can; zero: not by time alone
  double idle_w = 0;        // what a device draws on which engines idle, more than without; 0: they may stay
  double load_w = 0;        // what a load draws
  double wait_w = 0;        // what a second of somebody's wait is worth, as power
  Duration patience = std::chrono::minutes(30);  // at times when it is usually asked for an unused model stays so long
  double habit_least = 0.3;                      // likely enough to be warmed for, where there is room; above 1: never
  Duration service_guess = std::chrono::seconds(5);  // of an answer, before one was seen
  Duration retry_first = std::chrono::seconds(5);    // after a failure; doubles
  Duration retry_most = std::chrono::minutes(5);
  std::uint32_t loads_at_start = 2;  // at once per device, of those nobody asked for
  // Of waking, before it was seen: so long, and the time of a copy, or at level 2 of reading the weights.
  Duration wake_least = std::chrono::milliseconds(500);
  double wake_bytes_per_s = 20e9;
  double read_bytes_per_s = 1e9;                   // before a load was seen
  Duration load_start = std::chrono::seconds(30);  // of a load, what is not reading
  // A load is overdue after so many times as long as it should take, and not before so long.
  std::uint32_t overdue_loads = 4;
  Duration overdue_least = std::chrono::seconds(60);
};

// A model as the planner sees it.
struct ModelState {
  // coming: others make room for it. One that sleeps stays asleep while they do.
  enum class Where : std::uint8_t {
    absent,
    coming,
    loading,
    ready,
    failed,
    draining,
    unloading,
    falling_asleep,
    asleep,
    waking
  };
  Where where = Where::absent;
  DeviceNumber device = 0;    // where it is not absent
  Cause cause = Cause::none;  // of where it is
  ModelNumber other = no_model;
  Instant since{};
  std::uint64_t bytes = 0;  // it takes when it works, or needs
  std::uint64_t bytes_read = 0;
  std::uint64_t taken = 0;           // of its device, now
  DeviceNumber backing = no_device;  // where it sleeps, or will
  std::uint64_t backed = 0;          // it takes there, or will as soon as its answers have ended
  std::uint8_t level = 0;            // it sleeps at, or will; 0: it does not
  bool asleep_soon = false;          // it drains, and then sleeps: `backed` is only kept free for it
  bool can_sleep = false;
  bool pinned = false;
  bool fits = true;
  bool may_be_tried = false;  // it fits by its definition, and not by what its engine was seen to take
  bool retries = false;       // it failed, and is not tried again yet
  DeviceKind kind = DeviceKind::host;
  bool spreads = false;
  std::uint32_t waiting = 0;
  std::uint32_t running = 0;  // on all its engines
  bool scales = false;        // engines of it were ordered that still come
  Duration load{};
  Duration wake{};      // from its level, else from level 1; zero: it cannot sleep
  Duration ready_in{};  // estimate while it comes or is waited for; zero: unknown
  double asked_per_hour = 0;
};

// One engine of a model.
struct EngineFacts {
  DeviceNumber device = 0;
  ModelState::Where where = ModelState::Where::absent;
  Cause cause = Cause::none;
  ModelNumber other = no_model;
  Instant since{};
  std::uint64_t taken = 0;
  std::uint32_t running = 0;
};

// Since the planner began.
struct Counts {
  std::uint64_t loads = 0;
  std::uint64_t copies = 0;       // of these, further engines
  std::uint64_t warmed = 0;       // of these, before anybody asked, by habit
  std::uint64_t warmed_used = 0;  // of these, asked for before they went
  std::uint64_t sleeps = 0;
  std::uint64_t forgets = 0;  // of these, at level 2
  std::uint64_t wakes = 0;
};

struct DeviceState {
  std::uint64_t bytes = 0;
  std::uint64_t taken = 0;
  std::uint64_t reserved = 0;
  DeviceKind kind = DeviceKind::host;
  std::uint32_t cards = 1;
};

class Planner {
  using Where = ModelState::Where;

 public:
  explicit Planner(Settings settings = {})
      : settings_(settings), tuner_(0), reading_(seconds(settings.load_start), settings.read_bytes_per_s) {}

  // What is to be done, in this order; valid until the next call. An event about what is not there changes nothing.
  std::span<const Action> step(Instant now, const Event& event);
  // When a Tick can change something; Instant::max(): never by time alone.
  Instant wake() const { return wake_; }

  // What a ticket that comes now is promised to wait at most for its model, in a world as of late.
  Duration promise(Instant now) const;
  Duration promise(ModelNumber model, Instant now) const;  // for this one, whose load may be longer than others'
  std::optional<ModelState> model(ModelNumber model, Instant now) const;
  // Of what model() tells, each alone: asked at every request.
  ModelState::Where where(ModelNumber model) const {
    return model < entries_.size() ? entries_[model].where : Where::absent;
  }
  // Of its engine there; absent: it has none.
  ModelState::Where where(ModelNumber model, DeviceNumber device) const { return engine(model, device).where; }
  EngineFacts engine(ModelNumber model, DeviceNumber device) const;
  // Its further engines: they load, are ready, drain or unload.
  std::vector<EngineFacts> copies(ModelNumber model) const;
  bool fits(ModelNumber model) const;
  // Counts what may change where a model is or whether one fits: the same number, the same answers.
  std::uint64_t fitting() const { return fitting_; }
  // Whether it could be told to sleep now.
  bool may_sleep(ModelNumber model) const;
  Duration ready_in(ModelNumber model, Instant now) const;
  std::optional<DeviceState> device(DeviceNumber device) const;
  // The models that take bytes of a device, come, or are wanted; some may stand there twice.
  std::vector<ModelNumber> in_use() const;
  // Bytes of the largest memory that suits the model; nothing: there is none.
  std::optional<std::uint64_t> largest(ModelNumber model) const;
  const Counts& counts() const { return counts_; }
  // Of the models that were asked for; those of models that have gone are among them.
  const std::unordered_map<ModelNumber, Habit>& habits() const { return habits_; }
  // What its loads take, as it is now; nothing: none was measured.
  std::optional<LoadWas> measured(ModelNumber model) const;
  bool knows(TicketNumber ticket) const { return tickets_.contains(ticket); }
  std::size_t models() const { return entries_.size(); }
  std::size_t devices() const { return devices_.size(); }

 private:
  struct Engine {
    Instant since{};          // it is where it is
    Instant used_at{};        // something last ran on it
    std::uint64_t taken = 0;  // of its device, by it
    DeviceNumber device = 0;
    ModelNumber other = no_model;
    std::uint32_t running = 0;
    std::uint32_t number = 0;  // of its process, as tickets that run on it remember it
    Where where = Where::absent;
    Cause cause = Cause::none;
  };
  // A model and its first engine, or the one it would have.
  struct Entry : Engine {
    DeviceKind kind = DeviceKind::host;
    bool known = false;
    bool pinned = false;
    bool pinned_by_definition = false;
    bool at_start = false;
    bool ordered = false;   // until it is ready
    bool to_sleep = false;  // an operator said so while it was woken
    bool load_measured = false;
    bool load_remembered = false;  // measured by a planner before this one, perhaps from a warmer cache
    Line line;
    Instant blocked_until{};       // after a failure
    Duration load_guess{};         // by its file
    Duration held{};               // its room, by a load that was overdue: others have it as long
    Duration service{};            // of an answer, on average; zero: none seen
    std::uint64_t bytes_said = 0;  // it needs, by its definition
    std::uint64_t bytes_read = 0;
    std::uint64_t sleep_bytes = 0;
    std::uint64_t residue = 0;  // as it was said, or read
    std::uint64_t bed = 0;      // kept free for it in its backing while it drains
    std::uint64_t backed = 0;   // taken there, by it
    double wake_s = 0;          // from level 1, on average; 0: not seen yet
    double reload_s = 0;        // the same from level 2
    DeviceNumber backing = no_device;
    std::uint8_t level = 0;       // it sleeps at, or will once its answers have ended; 0: it does not
    bool forgets = false;         // its engine can sleep at level 2
    bool spreads = false;         // it can lie in several cards
    bool forgot_in_vain = false;  // that was tried, and it did not come back
    bool sleepless = false;       // sleep was tried, and was of no use
    bool begun_anew = false;      // it was not there any more to be put to sleep: that was not tried
    bool listed = false;          // in wanted_
    bool warmed = false;          // and not yet used
    bool outdated = false;        // what runs has another definition: nothing measured on it holds for the next
    std::uint32_t places = 1;     // of each engine
    std::uint32_t copies = 1;     // engines at most
    std::uint32_t failures = 0;
  };
  // A further engine. There is none that loads or is ready unless the first one is there.
  struct Copy : Engine {
    ModelNumber model = 0;
  };
  // A model whose places were full of late while people waited, or that has copies.
  struct Crowd {
    ModelNumber model = 0;
    double waited_s = 0;  // together while all places were full, forgotten as time goes by
    double grows = 0;     // by so much each second
    Instant at{};         // as of then
    Instant needed{};     // the last copy was, then
    Instant blocked_until{};
    std::uint32_t failures = 0;
    std::uint32_t ordered = 0;  // engines, until they are there or cannot be
  };
  struct Device {
    DeviceKind kind = DeviceKind::host;
    std::uint32_t cards = 1;
    std::uint64_t bytes = 0;
    std::uint64_t taken = 0;
    ModelNumber coming = no_model;  // the switch under way is for it
    bool further = false;           // for a further engine of it, which may be called off for anybody
    std::uint64_t reserved = 0;
    DeviceNumber backing = no_device;
    std::uint64_t beds = 0;             // kept free for those that will sleep here
    std::vector<ModelNumber> models;    // that take bytes
    std::vector<ModelNumber> sleepers;  // of other devices, that take bytes here
    std::uint64_t room() const { return bytes - std::min(bytes, taken + reserved + beds); }
  };
  struct Ticket {
    ModelNumber model = 0;
    float weight = 1;
    bool running = false;
    std::uint32_t engine = 0;
    Instant since{};  // it arrived, or started
  };
  // Who would have to go on a device, and what that would cost.
  struct Sacrifice {
    DeviceNumber device = 0;
    std::vector<ModelNumber> models;
    double drain_s = 0;
    double worth = 0;
    bool sleep = false;  // those that can
  };
  // How deep it would sleep, and who is stopped for that.
  struct Rest {
    std::uint8_t level = 0;
    std::vector<ModelNumber> stopped;
  };
  // Who is asked to leave: for a further engine those that have long been unused; for a model further engines first,
  // then the unused, then those in use, then sleepers that are waited for less than it.
  enum class Reach : std::uint8_t { rested, spare, unused, used, sleepers };
  // Those that were to be loaded without being asked for, and may be no more.
  struct AtStart {
    std::vector<ModelNumber> models;
    std::uint64_t least = UINT64_MAX;               // none of them needs less
    std::uint64_t least_that_spreads = UINT64_MAX;  // of those that can lie in several cards
  };
  // One that could leave a memory, and what that would give and cost.
  struct Leaver {
    bool kept = true;  // its model would have no engine
    double drain_s = 0;
    double worth = 0;
    ModelNumber model = 0;
    std::uint64_t frees = 0;
    auto operator<=>(const Leaver&) const = default;
  };

  void on(const ModelIs&);
  void on(const ModelGone&);
  void on(const DeviceIs&);
  void on(const DevicesAre&);
  void on(const Arrived&);
  void on(const Started&);
  void on(const Returned&);
  void on(const Ended&);
  void on(const EngineIs&);
  void on(const EngineGone&);
  void on(const Order&);
  void on(const QuarterIs&);
  void on(const Scale&);
  void on(const HabitIs&);
  void on(const LoadWas&);
  static void on(const Tick&) {}

  void plan();
  void plan_wanted();
  void plan_at_start();
  void plan_at_start(DeviceKind kind, AtStart& those);
  void note_at_start(AtStart& those, ModelNumber model) const;
  void begin_at_start(ModelNumber model);
  void plan_overfull(DeviceNumber device);

  // unused.cpp
  void plan_unused();
  void plan_unasked(DeviceNumber device);
  void plan_idle(DeviceNumber device);
  bool idles(ModelNumber model) const;
  Duration idle_most(ModelNumber model) const;
  bool alone_on(DeviceNumber device) const;

  void plan_warm();
  void go_on(DeviceNumber device);
  void until_overdue(DeviceNumber device);
  void call_off(DeviceNumber device);
  void recall(ModelNumber model, Cause cause);
  bool makes_room(DeviceNumber device) const;
  bool place_in_room(ModelNumber model, Cause cause, const std::vector<bool>& closed);
  bool place_by_eviction(ModelNumber model, std::vector<bool>& closed);
  std::optional<Sacrifice> cheapest(ModelNumber model, const std::vector<bool>& closed, Reach reach);
  std::optional<Sacrifice> sacrifice(DeviceNumber device, ModelNumber wanted, Reach reach, bool sleep);
  double keeping(ModelNumber model, double lost_s, std::uint64_t frees) const;
  std::vector<Leaver> leavers(DeviceNumber device, ModelNumber wanted, Reach reach, bool sleep);
  void leave(ModelNumber model, DeviceNumber device, Cause cause, ModelNumber other, bool sleep);
  void load(ModelNumber model, DeviceNumber device, Cause cause);
  void unload(ModelNumber model, Cause cause, ModelNumber other);
  void drain(ModelNumber model, Cause cause, ModelNumber other);
  void enter(Engine& engine, Where where, Cause cause, ModelNumber other = no_model);
  static void outdate(Entry& entry);
  void take(Engine& engine, std::uint64_t bytes);
  void take(ModelNumber model, std::uint64_t bytes);
  Engine* engine_of(const Ticket& ticket);

  // copies.cpp
  void crowd(ModelNumber model);
  void gather(Crowd& crowd);
  void plan_copies();
  void plan_fewer(Crowd& crowd);
  void plan_further(Crowd& crowd, std::vector<bool>& closed);
  bool full(ModelNumber model) const;
  bool spare(ModelNumber model) const;
  bool rested(ModelNumber model);
  double further_s(ModelNumber model) const;
  std::uint32_t ready_copies(ModelNumber model) const;
  std::vector<bool> waited_for() const;
  static EngineFacts facts(const Engine& engine) {
    return {engine.device, engine.where, engine.cause, engine.other, engine.since, engine.taken, engine.running};
  }
  Copy* copy_on(ModelNumber model, DeviceNumber device);
  const Copy* copy_on(ModelNumber model, DeviceNumber device) const;
  Crowd* crowd_of(ModelNumber model);
  void plan_ordered(Crowd& crowd, std::vector<bool>& closed);
  bool further_comes(ModelNumber model) const;
  bool place_further(ModelNumber model, std::vector<bool>& closed);
  std::uint32_t live_engines(ModelNumber model) const;
  bool scales(ModelNumber model) const;
  void load_copy(ModelNumber model, DeviceNumber device);
  void drain_copy(Copy& copy, Cause cause, ModelNumber other);
  void drain_copies(ModelNumber model, Cause cause, ModelNumber other);
  void unload_copy(Copy& copy, Cause cause, ModelNumber other);
  void swap_first(Copy& copy);
  void promote(ModelNumber model);
  void copy_is(Copy& copy, const EngineIs& is);
  void copy_gone(Copy& copy);
  void fail_copy(ModelNumber model);

  // sleep.cpp
  void fell_asleep(const EngineIs&);
  void yield(ModelNumber model, Cause cause, ModelNumber other);
  void settle(ModelNumber model);
  void sleep(ModelNumber model);
  void wake(ModelNumber model, Cause cause);
  void wake_or_load(ModelNumber model, DeviceNumber device, Cause cause);
  void back(ModelNumber model, std::uint64_t bytes);
  void stay_up(ModelNumber model);
  // Others make room for it.
  bool comes(ModelNumber model) const {
    const DeviceNumber d = entries_[model].device;
    return d < devices_.size() && devices_[d].coming == model && devices_[d].reserved > 0;
  }
  bool can_sleep(const Entry& entry, DeviceNumber device) const;
  std::optional<std::vector<ModelNumber>> bed(ModelNumber model, bool ordered) const;
  bool sleeps_unwanted(ModelNumber model) const;
  bool sleeps_behind(ModelNumber model, ModelNumber wanted) const;
  bool moves(ModelNumber model) const;
  std::uint64_t needs(ModelNumber model) const;
  std::uint64_t frees(ModelNumber model) const;
  std::uint64_t residue(ModelNumber model) const;
  double servers() const;

  // levels.cpp
  std::optional<Rest> rest(ModelNumber model, bool ordered) const;
  void got_up(ModelNumber model, bool ready);
  bool can_forget(ModelNumber model) const;
  double wake_s(ModelNumber model) const;
  double reload_s(ModelNumber model) const;
  double back_s(ModelNumber model) const;
  double comes_s(ModelNumber model) const;

  bool known(ModelNumber model) const { return model < entries_.size() && entries_[model].known; }
  bool wanted(ModelNumber model) const;
  bool may_be_on(ModelNumber model, DeviceNumber device) const;
  static bool urgent(const Entry& entry) { return entry.pinned || entry.ordered; }
  bool is_before(ModelNumber a, ModelNumber b) const;
  bool suits(ModelNumber model, const Device& device) const {
    return entries_[model].kind == device.kind && (device.cards == 1 || entries_[model].spreads);
  }
  bool fits(ModelNumber model, const Device& device) const { return fits(model, catalogue_[model].bytes, device); }
  bool fits(ModelNumber model, std::uint64_t bytes, const Device& device) const;
  bool fits_as_said(ModelNumber model) const;
  void forget_reading(ModelNumber model);
  static Cause cause_of(const Entry& entry);
  void list(ModelNumber model);
  static bool unused(const Entry& entry);
  bool habitual(ModelNumber model) const;
  std::optional<Cause> yields(ModelNumber used, ModelNumber wanted);
  double load_s(ModelNumber model) const;
  Instant overdue_at(ModelNumber model) const;  // while it loads
  double service_s(const Entry& entry) const;
  double drain_s(const Entry& entry, const Engine& engine) const;
  double utilisation(Instant now) const;
  Duration turn_most(double switch_s) const;
  void meet(Instant at);

  Settings settings_;
  std::vector<Model> catalogue_;
  std::vector<Entry> entries_;
  std::vector<Device> devices_;
  std::unordered_map<TicketNumber, Ticket> tickets_;
  std::vector<Copy> copies_;   // few
  std::vector<Crowd> crowds_;  // few
  std::uint32_t engines_begun_ = 0;
  std::uint64_t fitting_ = 0;
  std::vector<ModelNumber> wanted_;  // absent and waited for, pinned or ordered; also some that no longer are
  Tuner tuner_;
  Reading reading_;
  std::uint64_t tuned_for_ = 0;      // bytes of all devices
  std::array<AtStart, 2> at_start_;  // by kind of memory
  std::optional<Quarter> quarter_;
  std::unordered_map<ModelNumber, Habit> habits_;         // of those that were asked for
  std::vector<std::pair<Instant, ModelNumber>> to_warm_;  // for the quarter that comes next, and when
  Counts counts_;
  static constexpr double offered_fades_s = 300;
  bool some_sleep_ = false;  // or could
  double offered_s_ = 0;     // place seconds asked for of late, decayed
  Instant offered_at_{};
  Instant began_{};
  double switch_s_ = 0;  // of a switch, on average; 0: none yet
  Instant wake_ = Instant::max();

  // Of the step under way.
  Instant now_{};
  std::vector<Action> actions_;
};

}  // namespace faelled::residency
