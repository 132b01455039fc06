// World: what a simulation plays in: engines with their pace and room or a memory for models, members with their
// shares, the price of work. Plain values; src/config reads them from YAML, docs/simulation.md describes every key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"

namespace faelled::sim {

// What a request costs: input tokens × input + output tokens × output.
struct WorkPrice {
  std::uint32_t input = 1;
  std::uint32_t output = 2;
};

// How long a batch of prompts takes, and one step in which every running request gets a token.
struct Pace {
  double prefill_s = 0;
  double prefill_token_s = 0;
  double decode_s = 0;
  double decode_request_s = 0;          // × running requests
  double decode_token_s = 0;            // × tokens that they hold together
  double decode_longest_s = 0;          // × tokens of the longest
  double decode_request_longest_s = 0;  // × requests × tokens of the longest; may be negative
};

// Admits by the peak of what running requests will need, with their true lengths; a batch of prompts stops decoding.
// That is S-LoRA's and LightLLM's control loop.
struct OracleBatching {
  std::uint32_t kv_tokens = 10'000;
  std::uint32_t kv_tokens_per_member = 0;  // taken from them once for each member with a request in memory
  std::uint32_t prefill_tokens_max = 3'072;
  std::uint32_t decode_steps_min = 10;  // between two admissions
  Duration looks_every{10'000'000};     // while nothing runs
};

// vLLM's scheduler: knows no lengths. Running requests come first, then prompts in chunks, within so many tokens a
// step. A request is admitted when blocks for all its prompt are free; where the memory of running ones runs out, the
// last admitted is preempted, and computed again from its beginning.
struct PagedBatching {
  std::uint32_t kv_tokens = 10'000;
  std::uint32_t block_tokens = 16;
  std::uint32_t step_tokens_max = 2'048;
  std::uint32_t requests_max = 256;
  double watermark = 0.01;  // part of the blocks that an admission leaves free
};

// So many requests at a time, each as fast as if it were alone.
struct Places {
  std::uint32_t places = 1;
  double input_token_s = 0;
  double output_token_s = 0.02;
};

struct EngineModel {
  std::string id;
  std::vector<std::string> models;  // empty: all
  Pace pace;                        // not of Places
  std::variant<OracleBatching, PagedBatching, Places> batching;
};

// A memory that cannot hold all models of a trace.
struct ModelShape {
  std::string id;
  std::uint64_t bytes = 1;
  Duration load = std::chrono::seconds(10);
};
struct Memory {
  std::uint64_t bytes = 0;
  std::vector<ModelShape> models;
  std::optional<ModelShape> others;          // those that are not named; none: a trace may ask for no other
  std::optional<EngineModel> answers;        // of each model that is there; none: answers take no time, loads alone do
  double beside = 0;                         // a step of a paged one takes so much more for each other that is at work
  double load_beside = 0;                    // and for each that is being loaded
  Duration turn = std::chrono::seconds(20);  // residency::Settings::turn_least
};

struct WorldMember {
  std::string id;
  std::uint32_t share = 1;
  std::optional<Duration> wait_max;  // none: waits for ever
};

struct World {
  std::vector<EngineModel> engines;
  std::optional<Memory> memory;      // instead of engines
  std::vector<WorldMember> members;  // those not named here are like `others`
  WorldMember others;
  WorkPrice work;
  double jitter = 0;  // standard deviation of a step's length, as a part of it
};

}  // namespace faelled::sim
