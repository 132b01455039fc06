// Which request fields reach an engine. The allow-list is this one table; docs/fields.md prints it and a test compares.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace faelled::openai {

enum class Endpoint : std::uint8_t { chat, completions, embeddings, rerank };
inline constexpr Endpoint endpoints[] = {Endpoint::chat, Endpoint::completions, Endpoint::embeddings, Endpoint::rerank};

const char* path_of(Endpoint endpoint);  // "/v1/chat/completions"

enum class Fate : std::uint8_t {
  passed,   // checked, then spliced into the engine's body
  ours,     // read by the gateway; the engine gets our own value or none
  ignored,  // harmless: dropped. So is every field that the table does not name
  refused,  // would change the answer's meaning: 400 unless it holds the value that means "not used"
  never,    // steers an engine: dropped, whatever it holds
};

// The fields that somebody looks into; all others are just dropped.
enum class FieldName : std::uint8_t {
  model,
  messages,
  prompt,
  input,
  stream,
  stream_options,
  max_tokens,
  max_completion_tokens,
  temperature,
  top_p,
  top_k,
  min_p,
  frequency_penalty,
  presence_penalty,
  seed,
  stop,
  logit_bias,
  n,
  best_of,
  echo,
  suffix,
  logprobs,
  top_logprobs,
  response_format,
  tools,
  tool_choice,
  parallel_tool_calls,
  functions,
  function_call,
  modalities,
  service_tier,
  encoding_format,
  dimensions,
  reasoning_effort,
  query,
  documents,
  top_n,
  return_documents,
  other,
};

struct Field {
  std::string_view name;
  FieldName number;
  Fate chat, completions, embeddings;
  std::string_view note;  // what is accepted, in a few words
  Fate rerank = Fate::ignored;
  Fate fate(Endpoint endpoint) const {
    switch (endpoint) {
      case Endpoint::chat:
        return chat;
      case Endpoint::completions:
        return completions;
      case Endpoint::embeddings:
        return embeddings;
      case Endpoint::rerank:
        break;
    }
    return embeddings == Fate::never && rerank == Fate::ignored ? Fate::never : rerank;
  }
};

const char* fate_name(Fate fate);

std::span<const Field> all_fields();
const Field* find_field(std::string_view name);  // nullptr: not in the table

}  // namespace faelled::openai
