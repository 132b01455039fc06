// The roles' messages in their lasting form. In one process they are passed by reference; between processes the same
// fields go over gRPC. Values only: they copy, compare and are printed, and hold no prompt or answer.
//
//   gateway ── Ticket, Progress, End ──▶ mesh ── Grant, Waiting, Refusal ──▶ gateway
//   node    ── Report ────────────────▶ mesh ── Directive ────────────────▶ node
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

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

// Room on one engine.
struct Grant {
  std::uint64_t ticket = 0;
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

// Work delivered so far; sent at the first token and then at most once a second while tokens come.
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
  std::string backing;      // device of this node where its sleepers leave their weights; empty: nothing sleeps on it
  std::uint32_t cards = 1;  // more: GPUs together, for models whose engines divide them
  bool operator==(const DeviceReport&) const = default;
};

// What a node holds; sent whole whenever it changes. The newest one is the truth.
struct Report {
  std::string node;
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

}  // namespace faelled::rpc
