// Supervisor: what to do about one engine process, and when. Pure: `step(now, event) -> actions`; the node carries the
// actions out and reports what came of them. One per model of kind llama; a value, loop's thread.
//
//   idle ─▶ checking ─▶ starting ─▶ ready ─▶ stopping ─▶ ended
//              ▲  └──▶ waiting ◀──────┴────────┘ (a crash, a hang, a wrong file)
//   ready ─▶ falling asleep ─▶ asleep ─▶ waking ─▶ ready
//
// One that fails to fall asleep, or dies asleep, is not started again: its memory is wanted, and nobody waits for it.
// One that does not wake is: somebody does.
//
// Three things it knows that users of other supervisors had to learn (docs/decisions/0004-engines.md): a model that
// says "loading" may take minutes, a process that ended need not be waited for, and /health says ok while the engine's
// own loop hangs, so a ready engine is asked something that passes through that loop.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "rpc/messages.hpp"

namespace faelled::node {

// How long to wait for what. Tests shorten it.
struct Patience {
  Duration start_probe_least = 20ms;  // grows with the time since the start
  Duration start_probe_most = 1s;
  Duration start_silent_max = 60s;  // no answer at all, not even "loading"
  Duration start_max = 15min;
  Duration probe_every = 5s;
  Duration idle_silent_max = 30s;  // no answer, and it uses no processor
  Duration silent_max = 120s;      // no answer, busy or not: limits::engine_silence_max has ended its streams too
  Duration stop_grace = 3s;        // asked to stop, then killed
  Duration sleep_max = 60s;        // told to sleep: its weights are copied, tens of gigabytes
  Duration wake_max = 60s;         // told to wake: copied back, and then a token
  std::uint32_t reload_loads = 4;  // told to wake without its weights: it reads what its start read, and has so many
                                   // times as long in addition: what was in the page cache then may no longer be
  Duration restart_first = 500ms;  // doubles with each failure in a row
  Duration restart_most = 60s;
  Duration stable_after = 60s;     // ready for so long: earlier failures are forgotten
  Duration file_check_every = 5s;  // a wrong model file is looked at again
  std::uint32_t failures_until_failed = 2;
  std::uint32_t broken_probes_max = 3;
};

enum class ProbeKind : std::uint8_t {
  health,  // answered by the engine's HTTP side
  work,    // answered by the loop that makes tokens
  sleep,   // tells it to sleep, and asks whether it does
  forget,  // the same at level 2: without its weights
  asleep,  // whether it still sleeps: anything that makes tokens would hang
  wake,    // tells it to wake, and asks for work
  reload,  // the same from level 2: it reads its weights again
};

namespace event {
struct Begin {};
struct FileChecked {  // some time after it was asked for; until then nothing ends it, the end waits for this
  std::string wrong;  // empty: it may be started
};
struct Spawned {};
struct SpawnFailed {
  std::string detail;
};
struct Answered {};  // the probe under way: 200
struct Loading {};   // 503
struct NoAnswer {    // refused, broken, timed out or none that was hoped for
  std::string detail = {};
};
struct Exited {
  std::string detail;
  bool killed = false;  // by SIGKILL: by us, or by the kernel where memory ran out
  bool silent = false;  // without a word of its own
};
struct Sleep {  // nothing runs on it
  std::uint8_t level = 1;
};
struct Wake {};
// Both with what the process has used of the processor so far.
struct LookNow {  // somebody saw it break an answer off
  Duration processor_used{};
};
struct Tick {
  Duration processor_used{};
};
struct Stop {
  Duration drain{};      // before it is asked to stop
  bool at_once = false;  // nothing runs on it, and its memory is wanted: killed without being asked
};
}  // namespace event

using Event =
    std::variant<event::Begin, event::FileChecked, event::Spawned, event::SpawnFailed, event::Answered, event::Loading,
                 event::NoAnswer, event::Exited, event::Sleep, event::Wake, event::LookNow, event::Tick, event::Stop>;

namespace action {
struct CheckFile {};
struct Spawn {};  // a new engine id, a new socket
struct Probe {
  ProbeKind kind;
  Duration within;
};
struct AskToStop {};
struct Kill {
  std::string why;  // empty: as planned
};
struct Report {};  // its state, why, or how often it was started has changed
}  // namespace action

using Action =
    std::variant<action::CheckFile, action::Spawn, action::Probe, action::AskToStop, action::Kill, action::Report>;

class Supervisor {
 public:
  Supervisor(Patience patience, std::uint64_t seed) : patience_(patience), random_(seed) {}

  // Actions are carried out in their order; at most one Probe is under way.
  std::vector<Action> step(Instant now, const Event& event);
  // When the next Tick is due. Never before a Begin or after the end: Instant::max().
  Instant wake() const { return wake_; }

  rpc::EngineState state() const;
  const std::string& detail() const { return detail_; }  // why it failed or is started again
  Duration load_time() const { return load_time_; }      // last measured; zero: never ready yet
  Duration ready_in(Instant now) const;                  // an estimate while it is not; zero: unknown
  bool ended() const { return phase_ == Phase::ended; }
  // Whether LookNow would ask it. When one has died, many see an answer broken off before its end is known: the first
  // is enough.
  bool would_look() const { return phase_ == Phase::ready && !probing_ && broken_probes_ == 0; }
  std::uint64_t starts() const { return starts_; }

 private:
  enum class Phase : std::uint8_t {
    idle,
    checking,
    waiting,
    starting,
    ready,
    falling_asleep,
    asleep,
    waking,
    draining,
    stopping,
    ended
  };

  void on(const event::Begin&);
  void on(const event::FileChecked&);
  void on(const event::Spawned&);
  void on(const event::SpawnFailed&);
  void on(const event::Answered&);
  void on(const event::Loading&);
  void on(const event::NoAnswer&);
  void on(const event::Exited&);
  void on(const event::Sleep&);
  void on(const event::Wake&);
  void on(const event::LookNow&);
  void on(const event::Tick&);
  void on(const event::Stop&);

  void enter(Phase phase);
  void probe(ProbeKind kind, Duration within);
  void probe_work(Duration processor_used);
  void next_start_probe();
  void tick_starting();
  void tick_ready(Duration processor_used);
  void tick_asleep();
  void kill(std::string why);
  void kill_for_good(std::string why);
  void wait_to_restart(std::string why);
  void end();

  Patience patience_;
  SeededRandom random_;
  Phase phase_ = Phase::idle;
  bool final_ = false;   // Stop has come
  bool woken_ = false;   // it is being ended while it wakes: what holds its weights is its until it has ended
  bool failed_ = false;  // say so until it is ready again
  bool probing_ = false;
  std::uint8_t level_ = 1;  // it sleeps or slept last at
  std::string detail_;
  std::string no_answer_;  // what came instead of the answer that makes it ready, at the last probe of its start
  std::uint32_t failures_ = 0;
  std::uint32_t broken_probes_ = 0;
  std::uint64_t starts_ = 0;
  Duration load_time_{};
  Duration processor_at_probe_{};
  Instant spawned_{};
  Instant heard_{};  // any answer since the start
  Instant ready_since_{};
  Instant probe_since_{};
  Instant restart_at_{};
  Instant wake_ = Instant::max();

  // Of the step under way.
  Instant now_{};
  std::vector<Action> actions_;
};

}  // namespace faelled::node
