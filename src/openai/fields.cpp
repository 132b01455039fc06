#include "openai/fields.hpp"

#include <array>

namespace faelled::openai {
namespace {

using enum Fate;
using N = FieldName;

constexpr Field fields[] = {
    {"model", N::model, ours, ours, ours, "string; the engine gets its own name for it", ours},
    {"messages", N::messages, passed, ignored, ignored,
     "1 to 4096 messages; roles system, developer (sent as system), user, assistant, tool, function (sent as tool); "
     "content a string or text parts; of a message only role, content, name, tool_calls, tool_call_id and an "
     "assistant's reasoning_content pass, function_call as a tool call; images, audio and files are refused"},
    {"prompt", N::prompt, ignored, passed, ignored, "a string, an array of tokens, or up to 8 of either"},
    {"input", N::input, ignored, ignored, passed,
     "a string, up to 2048 strings, an array of tokens, or up to 2048 arrays of tokens; none empty"},
    {"stream", N::stream, ours, ours, ignored, "true or false"},
    {"stream_options", N::stream_options, ours, ours, ignored,
     "only with stream; include_usage is read, the rest is ignored; the engine is always asked for usage"},
    {"max_tokens", N::max_tokens, ours, ours, ignored, "1 to 1048576; sent as max_tokens"},
    {"max_completion_tokens", N::max_completion_tokens, ours, ignored, ignored,
     "1 to 1048576; sent as max_tokens; not together with max_tokens"},
    {"temperature", N::temperature, passed, passed, ignored, "0 to 2"},
    {"top_p", N::top_p, passed, passed, ignored, "0 to 1"},
    {"top_k", N::top_k, passed, passed, ignored, "-1 to 2147483647; not in OpenAI's API"},
    {"min_p", N::min_p, passed, passed, ignored, "0 to 1; not in OpenAI's API"},
    {"frequency_penalty", N::frequency_penalty, passed, passed, ignored, "-2 to 2"},
    {"presence_penalty", N::presence_penalty, passed, passed, ignored, "-2 to 2"},
    {"seed", N::seed, ours, ours, ignored, "any whole number of 64 bits; folded to 32 bits for the engine"},
    {"stop", N::stop, ours, ours, ignored, "a string or up to 4 strings, none empty; the model's own are added"},
    {"logit_bias", N::logit_bias, passed, passed, ignored, "up to 300 tokens, each -100 to 100"},
    {"n", N::n, ours, ours, ignored,
     "1 to 8, together with several prompts at most 8 choices; each choice is a request of its own to the engine"},
    {"best_of", N::best_of, ignored, ours, ignored, "0, 1 or the same as n: nothing is thrown away"},
    {"echo", N::echo, ignored, refused, ignored, "false only"},
    {"suffix", N::suffix, ignored, refused, ignored, "empty only"},
    {"logprobs", N::logprobs, ours, ours, ignored,
     "chat: true or false, on llama-server not together with tools; completions: 0 to 20"},
    {"top_logprobs", N::top_logprobs, ours, ignored, ignored, "0 to 20, only with logprobs"},
    {"response_format", N::response_format, ours, refused, ignored,
     "chat: text, json_object, json_schema within the bounds of schemas; on llama-server not while tools may be "
     "called, "
     "and a strict schema must hold nothing that its grammar leaves out; completions: {\"type\": \"text\"} only"},
    {"tools", N::tools, ours, ignored, ignored,
     "up to 128 function tools of 256 KiB together, where the model's template knows tools; of a tool only type, name, "
     "description, parameters and strict pass; parameters within the bounds of schemas"},
    {"tool_choice", N::tool_choice, ours, ignored, ignored,
     "\"none\", \"auto\", \"required\", one function or allowed_tools; to llama-server a named tool goes alone and "
     "required"},
    {"parallel_tool_calls", N::parallel_tool_calls, ours, ignored, ignored, "true or false"},
    {"functions", N::functions, ours, ignored, ignored, "deprecated: sent as tools; calls come back as function_call"},
    {"function_call", N::function_call, ours, ignored, ignored,
     "\"none\", \"auto\" or {\"name\"}, only with functions; sent as tool_choice"},
    {"reasoning_effort", N::reasoning_effort, passed, ignored, ignored,
     "\"none\", \"minimal\", \"low\", \"medium\", \"high\", \"xhigh\" or \"max\"; templates that do not know it ignore "
     "it"},
    {"modalities", N::modalities, refused, ignored, ignored, "[\"text\"] only"},
    {"audio", N::other, refused, ignored, ignored, ""},
    {"moderation", N::other, refused, ignored, ignored, ""},
    {"web_search_options", N::other, refused, ignored, ignored, ""},
    {"service_tier", N::service_tier, ours, ignored, ignored,
     "\"auto\", \"default\" or \"flex\": flex waits behind those who wait for an answer; the answer says which it was"},
    {"encoding_format", N::encoding_format, ignored, ignored, passed, "\"float\" or \"base64\""},
    {"dimensions", N::dimensions, ignored, ignored, ours,
     "1 to 65536, where the model is configured with shorter_vectors; cut to so many and brought to length 1 here"},
    {"query", N::query, ignored, ignored, ignored, "a string, not empty", passed},

    {"top_n", N::top_n, ignored, ignored, ignored, "1 to 1000: the best so many", ours},
    {"return_documents", N::return_documents, ignored, ignored, ignored, "true or false", ours},

    {"metadata", N::other, ignored, ignored, ignored, ""},
    {"prediction", N::other, ignored, ignored, ignored, "speed only"},
    {"prompt_cache_key", N::other, ignored, ignored, ignored, "speed only"},
    {"prompt_cache_options", N::other, ignored, ignored, ignored, "speed only"},
    {"prompt_cache_retention", N::other, ignored, ignored, ignored, "speed only"},
    {"safety_identifier", N::other, ignored, ignored, ignored, ""},
    {"store", N::other, ignored, ignored, ignored, "nothing is stored, whatever it says"},
    {"user", N::other, ignored, ignored, ignored, "who asks is known from the key"},
    {"verbosity", N::other, ignored, ignored, ignored, "a hint that no engine here knows"},

    {"add_generation_prompt", N::other, never, never, never, ""},
    {"cache_prompt", N::other, never, never, never, ""},
    {"cache_salt", N::other, never, never, never, "the gateway's to set"},
    {"chat_template", N::other, never, never, never, ""},
    {"chat_template_kwargs", N::other, never, never, never, ""},
    {"continue_final_message", N::other, never, never, never, ""},
    {"data_parallel_rank", N::other, never, never, never, ""},
    {"documents", N::documents, never, never, never,
     "rerank: 1 to 1000 strings or objects with a text, none empty; sent as strings", ours},
    {"grammar", N::other, never, never, never, ""},
    {"guided_choice", N::other, never, never, never, ""},
    {"guided_grammar", N::other, never, never, never, ""},
    {"guided_json", N::other, never, never, never, ""},
    {"guided_regex", N::other, never, never, never, ""},
    {"id_slot", N::other, never, never, never, ""},
    {"ignore_eos", N::other, never, never, never, ""},
    {"json_schema", N::other, never, never, never, ""},
    {"kv_transfer_params", N::other, never, never, never, ""},
    {"lora", N::other, never, never, never, ""},
    {"min_tokens", N::other, never, never, never, ""},
    {"mm_processor_kwargs", N::other, never, never, never, ""},
    {"n_cache_reuse", N::other, never, never, never, ""},
    {"n_keep", N::other, never, never, never, ""},
    {"n_predict", N::other, never, never, never, ""},
    {"n_probs", N::other, never, never, never, ""},
    {"priority", N::other, never, never, never, ""},
    {"prompt_embeds", N::other, never, never, never, ""},
    {"request_id", N::other, never, never, never, "the gateway's own"},
    {"response_fields", N::other, never, never, never, ""},
    {"return_progress", N::other, never, never, never, ""},
    {"samplers", N::other, never, never, never, ""},
    {"slot_id", N::other, never, never, never, ""},
    {"sse_ping_interval", N::other, never, never, never, ""},
    {"structured_outputs", N::other, never, never, never, ""},
    {"timings_per_token", N::other, never, never, never, ""},
    {"truncate_prompt_tokens", N::other, never, never, never, ""},
    {"vllm_xargs", N::other, never, never, never, ""},
};

// Open addressing, built by the compiler: a request's dozen names are looked up in some nanoseconds each.
constexpr std::size_t slots = 256;
constexpr std::uint8_t free_slot = 255;
static_assert(std::size(fields) < free_slot);

constexpr std::size_t slot_of(std::string_view name) {
  const auto first = static_cast<unsigned char>(name.front()), last = static_cast<unsigned char>(name.back());
  const auto middle = static_cast<unsigned char>(name[name.size() / 2]);
  return (name.size() * 67 + first * 31u + middle * 7u + last * 131u) % slots;
}

constexpr auto index = [] {
  std::array<std::uint8_t, slots> table{};
  table.fill(free_slot);
  for (std::size_t i = 0; i < std::size(fields); ++i) {
    std::size_t slot = slot_of(fields[i].name);
    while (table[slot] != free_slot) slot = (slot + 1) % slots;
    table[slot] = static_cast<std::uint8_t>(i);
  }
  return table;
}();

}  // namespace

const char* path_of(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::chat:
      return "/v1/chat/completions";
    case Endpoint::completions:
      return "/v1/completions";
    case Endpoint::embeddings:
      return "/v1/embeddings";
    case Endpoint::rerank:
      return "/v1/rerank";
  }
  return "";
}

const char* fate_name(Fate fate) {
  switch (fate) {
    case Fate::passed:
      return "passed";
    case Fate::ours:
      return "ours";
    case Fate::ignored:
      return "ignored";
    case Fate::refused:
      return "refused";
    case Fate::never:
      return "never";
  }
  return "";
}

std::span<const Field> all_fields() { return fields; }

const Field* find_field(std::string_view name) {
  if (name.empty()) return nullptr;
  for (std::size_t slot = slot_of(name); index[slot] != free_slot; slot = (slot + 1) % slots) {
    if (fields[index[slot]].name == name) return &fields[index[slot]];
  }
  return nullptr;
}

}  // namespace faelled::openai
