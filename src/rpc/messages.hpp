// The roles' messages in their lasting form. In one process they are passed by reference; between processes the same
// fields go over gRPC. Values only: they copy, compare and are printed, and hold no prompt or answer.
//
//   gateway ── Ticket, Progress, End ──▶ mesh ── Grant, Waiting, Refusal ──▶ gateway
//   node    ── Report ────────────────▶ mesh ── Directive ────────────────▶ node
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace faelled::rpc {

enum class Lane : std::uint8_t { interactive, batch };

// How a ticket ended; exactly one per ticket, and one ledger row.
enum class Outcome : std::uint8_t { done, refused, cancelled, failed };

// Where an engine listens. `unix_path` set: a unix socket, and `host`/`port` only fill the Host header.
struct Endpoint {
  std::string unix_path;
  std::string host;
  std::uint16_t port = 0;
  std::string base_path;      // "/v1" for an OpenAI-compatible upstream
  std::string authorization;  // whole header value, empty: none. Secret: never logged
  bool tls = false;
  std::string ca_file;  // PEM files on the gateway's machine; empty: what the system trusts, and no certificate shown
  std::string certificate_file;
  std::string key_file;
  bool operator==(const Endpoint&) const = default;
};

// One admitted request, from queue to last token.
struct Ticket {
  std::uint64_t number = 0;  // unique within one gateway's life
  std::string request_id;    // the x-request-id that the client sees
  std::string member;
  std::string caller;   // user or key id: the second level of fairness
  std::string model;    // catalogue id, alias already resolved
  std::string adapter;  // of that model, by its own name; empty: the model as it is
  Lane lane = Lane::interactive;
  std::uint32_t prompt_tokens_estimate = 0;
  std::uint32_t output_tokens_max = 0;  // 0: the engine's own bound
  bool revocable = false;               // batch of which nobody sees a byte before its end: may be taken back
  Instant admitted;
  Instant deadline;  // end of the wait in line
  bool operator==(const Ticket&) const = default;
};

// Room on one engine. Valid for the epoch it names; a node refuses grants of another.
struct Grant {
  std::uint64_t ticket = 0;
  std::uint64_t epoch = 0;
  std::string node;
  std::string engine;  // id of the engine process; a restarted engine has a new one
  Endpoint endpoint;
  std::string engine_kind;               // "llama" | "vllm" | "openai"
  std::string upstream_model;            // what the engine calls the model, or the ticket's adapter of it
  std::optional<std::uint32_t> adapter;  // which of the engine's; none: the ticket asks for none, or it has it not
  std::uint32_t adapters = 0;            // that the engine has
  std::uint32_t place = 0;               // 0 … places − 1; on llama-server the slot
  bool tools = true;                     // the engine's model knows tools, or says itself that it does not
  bool place_changed_member = true;      // the place last served somebody else: nothing cached may be reused
  bool operator==(const Grant&) const = default;
};

// Why a ticket is not served yet, for the person who waits.
struct Waiting {
  std::uint64_t ticket = 0;
  std::uint32_t position = 0;  // 1: next
  bool model_ready = false;
  Duration ready_in{};  // estimate while !model_ready; zero: unknown
  // The whole wait is no longer than this, or it is refused. The mesh says it of an absent model (zero: nothing is
  // promised), whoever holds the request for all that wait.
  Duration promised{};
  bool operator==(const Waiting&) const = default;
};

enum class RefusalCause : std::uint8_t {
  queue_full,
  waited_too_long,
  model_failed,
  model_fetching,
  model_removed,
  shutting_down
};

struct Refusal {
  std::uint64_t ticket = 0;
  RefusalCause cause = RefusalCause::queue_full;
  Duration retry_after{};
  std::string detail;     // plain words for the log and the error message, no content
  std::string detail_da;  // model_fetching alone, which clients are told
  bool operator==(const Refusal&) const = default;
};

// Work delivered so far; sent at the first token and then at least once a second while tokens come.
struct Progress {
  std::uint64_t ticket = 0;
  std::uint32_t output_tokens = 0;  // what it has read, and how much of that was cached, is known at its end alone
  bool operator==(const Progress&) const = default;
};

struct End {
  std::uint64_t ticket = 0;
  Outcome outcome = Outcome::failed;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_tokens = 0;
  std::uint32_t output_tokens = 0;
  bool engine_fault = false;    // the engine broke the answer off: the node looks at it now, not at the next probe
  bool returned = false;        // answers revoked(): the ticket waits again, and its listener with it
  bool prompt_assumed = false;  // prompt_tokens are an estimate, and whether the engine began them is not known
  bool operator==(const End&) const = default;
};

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

// `draining`: its last answers, then it goes or falls asleep; its memory is its own until then. `asleep`: its process
// lives and answers nobody, its weights lie in another memory or nowhere. `waking`: on its way back. `fetching`: of a
// model whose file is not on this machine yet; never of an engine.
enum class EngineState : std::uint8_t { absent, starting, ready, draining, failed, asleep, waking, fetching };

// An adapter that an engine can be asked for.
struct EngineAdapter {
  std::string name;
  std::string upstream_model;  // what the engine calls it; empty: by its number
  bool operator==(const EngineAdapter&) const = default;
};

struct EngineReport {
  std::string engine;
  std::string model;
  EngineState state = EngineState::absent;
  std::string detail;  // why failed, in plain words
  std::uint32_t places = 0;
  std::string engine_kind;
  std::string upstream_model;
  Endpoint endpoint;
  std::uint64_t restarts = 0;        // of this model's engine since the node began
  Duration load_time{};              // last measured spawn to ready
  Duration ready_in{};               // estimate while starting
  std::uint32_t context_tokens = 0;  // 0: unknown
  bool tools = true;                 // false: its chat template knows none, and it would ignore them without a word
  std::vector<EngineAdapter> adapters = {};  // in the engine's own order
  bool adapting = false;                     // it takes or drops some: nothing new is asked of it until that is done
  std::string device;                        // whose memory it takes; empty: none of ours
  std::uint64_t bytes_read = 0;              // of that memory, as last read; 0: not yet
  bool operator==(const EngineReport&) const = default;
};

enum class DeviceKind : std::uint8_t { host, gpu };

// A memory for models.
struct DeviceReport {
  std::string device;       // unique within its node
  std::uint64_t bytes = 0;  // for models, what is kept free for others already taken off
  DeviceKind kind = DeviceKind::host;
  std::string backing;  // device of this node where its sleepers leave their weights; empty: nothing sleeps on it
  bool operator==(const DeviceReport&) const = default;
};

// What a node holds; sent whole whenever it changes. The newest one is the truth.
struct Report {
  std::string node;
  std::uint64_t epoch = 0;
  std::vector<EngineReport> engines;
  std::vector<DeviceReport> devices;
  bool operator==(const Report&) const = default;
};

// What the mesh has a node do with the engine of a model on one of its devices: there is at most one. `unload` and
// `sleep` come when the last answer has ended; `unload` ends the process, also of one that sleeps.
struct Directive {
  enum class Act : std::uint8_t { load, unload, sleep, wake };
  Act act = Act::load;
  std::string model;
  std::string device;
  std::uint8_t level = 1;  // of sleep: 1: its weights go to the memory behind its device; 2: they are forgotten
  bool operator==(const Directive&) const = default;
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
  bool fits = true;                    // false: no memory here is large enough
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
  bool scales = false;                     // engines of it were ordered that still come: see ResidencyPort::scale()
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
  bool operator==(const DeviceResidency&) const = default;
};

// One decision of the planner, or what became of one.
struct ResidencyEvent {
  // sleep: it is told to; asleep: it does; wake: it is told to, and ready is told as after a load.
  enum class What : std::uint8_t { load, ready, drain, unload, gone, failed, pin, unpin, sleep, asleep, wake };
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
  double idle_wh = 0;  // watt-hours of engines that nobody used
  double load_wh = 0;  // of loads and wakings
  bool operator==(const ModelledEnergy&) const = default;
};

enum class ResidencyAct : std::uint8_t { load, unload, pin, unpin, sleep, wake };

// For people who watch and steer which model is where.
class ResidencyPort {
 public:
  virtual ~ResidencyPort() = default;
  virtual std::vector<DeviceResidency> devices() const = 0;
  // The models that have an engine, come, or are waited for, also those that have left the catalogue meanwhile; by id.
  // Of a hundred thousand they are few.
  virtual std::vector<std::string> in_use() const = 0;
  virtual std::optional<ModelResidency> residency(std::string_view model) const = 0;  // nothing: it is not there
  // Newest first, at most `most`, of those before number `before`; 0: from the newest on.
  virtual std::vector<ResidencyEvent> residency_events(std::uint64_t before, std::size_t most) const = 0;
  // Errors: not_found; invalid with a reason for people (it does not fit, it is not ours to load).
  virtual Expected<void> order(const std::string& model, ResidencyAct act) = 0;
  // Has a model that is ready come to so many engines, where there is room that nobody is waited for in; it has them,
  // or will not, once it no longer `scales`. One that is not ready stays as it is.
  virtual void scale(const std::string& model, std::uint32_t engines) = 0;
  // The longest wait that whoever asks now for an absent model is promised, should the limits say less. Nothing: no
  // model is of ours.
  virtual std::optional<Duration> promise() const = 0;
  // Nothing: the configuration says no watts.
  virtual std::optional<ModelledEnergy> energy() const = 0;
};

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

class SharesPort {
 public:
  virtual ~SharesPort() = default;
  virtual std::vector<MemberShare> shares() const = 0;  // of all that the commons has heard of, by member
  virtual std::optional<MemberShare> share(std::string_view member) const = 0;
  virtual std::vector<ShareSample> past(std::string_view member) const = 0;  // oldest first, a day at most
};

// The gateway's end of a ticket. Called on the loop's thread; the first call may come from inside MeshPort::submit.
class TicketListener {
 public:
  virtual ~TicketListener() = default;
  virtual void granted(const Grant&) = 0;
  virtual void waiting(const Waiting&) = 0;
  virtual void refused(const Refusal&) = 0;  // last call for this ticket
  // Of a revocable ticket that runs: somebody's floor claim needs its place. It stops at the engine and ends with
  // `returned`, unless it ends in another way first.
  virtual void revoked() = 0;
};

// What a gateway asks of the mesh. The listener must live until it was refused or end() was called.
class MeshPort {
 public:
  virtual ~MeshPort() = default;
  virtual void submit(const Ticket&, TicketListener&) = 0;
  virtual void progress(const Progress&) = 0;
  virtual void end(const End&) = 0;  // also withdraws a ticket that still waits
  virtual std::vector<ModelStatus> models() const = 0;
  // One of them, where there may be a hundred thousand; nothing: there is none of that name.
  virtual std::optional<ModelStatus> model(std::string_view id) const {
    for (ModelStatus& one : models())
      if (one.model == id) return std::move(one);
    return std::nullopt;
  }
  // Those that cannot be served, however long one waits.
  virtual std::vector<std::string> failed() const {
    std::vector<std::string> all;
    for (ModelStatus& one : models())
      if (one.state == EngineState::failed) all.push_back(std::move(one.model));
    return all;
  }
  // Nothing for one that has ended. By number, or by the x-request-id that the client was told.
  virtual std::optional<TicketStatus> ticket(std::uint64_t number) const = 0;
  virtual std::optional<TicketStatus> ticket(std::string_view request_id) const = 0;
};

// What a mesh asks of a node.
class NodePort {
 public:
  virtual ~NodePort() = default;
  virtual void direct(const Directive&) = 0;
};

// Where a node sends its reports.
class ReportPort {
 public:
  virtual ~ReportPort() = default;
  virtual void report(const Report&) = 0;
};

}  // namespace faelled::rpc
