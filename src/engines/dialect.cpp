#include "engines/dialect.hpp"

#include <fmt/format.h>

#include <iterator>
#include <optional>

#include "json/value.hpp"
#include "json/writer.hpp"

namespace faelled::engines {

namespace {

using openai::ApiError;
using openai::Cause;
using openai::Endpoint;

const char* text_field(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::chat:
      return "messages";
    case Endpoint::completions:
      return "prompt";
    case Endpoint::embeddings:
      return "input";
    case Endpoint::rerank:
      return "documents";
  }
  return "";
}

ApiError too_long(Endpoint endpoint, std::optional<std::int64_t> tokens, std::optional<std::int64_t> room) {
  auto message = tokens && room ? fmt::format("This model reads at most {} tokens, and the request has {}. Shorten it.",
                                              *room, *tokens)
                                : std::string("The request has more tokens than this model can read. Shorten it.");
  return {Cause::context_length_exceeded, std::move(message), text_field(endpoint)};
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// What llama-server's 400s are about, by words of its own that no client can put there first.
ApiError invalid_on_llama(Endpoint endpoint, std::string_view message, bool tools) {
  if (message.starts_with("Unable to generate parser") || has(message, "JSON schema") || has(message, "grammar")) {
    if (tools)
      return {Cause::invalid_value, "The engine cannot follow the JSON schema of a tool's parameters.", "tools"};
    return {Cause::invalid_value, "The engine cannot follow this JSON schema.", "response_format"};
  }
  if (message.starts_with("Field '")) {
    return {Cause::invalid_value, "The engine does not accept one of the sampling values."};
  }
  if (endpoint == Endpoint::chat && has(message, "messages")) {
    return {Cause::invalid_value, "The model's chat template does not accept these messages.", "messages"};
  }
  return {Cause::invalid_value, "The engine cannot do what this request asks."};
}

std::optional<ApiError> llama_error(Endpoint endpoint, int status, std::string_view body, json::Document& document,
                                    bool tools) {
  auto root = document.parse(body);
  if (!root) return std::nullopt;
  auto error = root->find("error");
  if (!error) return std::nullopt;
  auto type = error->find("type");
  auto text = error->find("message");
  std::string message = text ? text->text().value_or("") : "";
  if (type && type->text_is("exceed_context_size_error")) {
    auto tokens = error->find("n_prompt_tokens");
    auto room = error->find("n_ctx");
    return too_long(endpoint, tokens ? tokens->integer() : std::nullopt, room ? room->integer() : std::nullopt);
  }
  const bool pooled = endpoint == Endpoint::embeddings || endpoint == Endpoint::rerank;
  // They say it with a 500.
  if (pooled && has(message, "is too large to process")) return too_long(endpoint, {}, {});
  if (status == 400) return invalid_on_llama(endpoint, message, tools);
  if (status == 501 && endpoint == Endpoint::embeddings) {
    return ApiError{Cause::unsupported_value, "This model does not make embeddings.", "model"};
  }
  if (status == 501 && endpoint == Endpoint::rerank) {
    return ApiError{Cause::unsupported_value, "This model does not order documents.", "model"};
  }
  if (status == 501) return ApiError{Cause::unsupported_value, "This model makes embeddings only.", "model"};
  if (status == 503) return ApiError{Cause::model_unavailable, "The model is not ready."};
  return std::nullopt;
}

}  // namespace

bool always_streams(std::string_view engine_kind, Endpoint endpoint) {
  return engine_kind == "llama" && (endpoint == Endpoint::chat || endpoint == Endpoint::completions);
}

openai::Upstream upstream_of(const rpc::Grant& grant, const ModelSettings& model) {
  const bool llama = grant.engine_kind == "llama";
  return {.model = grant.upstream_model,
          .stop = model.stop,
          .output_tokens_max = 0,
          .takes_tool_by_name = !llama,
          .top_logprobs_min = llama ? 1U : 0U};
}

std::optional<ApiError> beyond(const rpc::Grant& grant, const ModelSettings& model, const openai::Request& request) {
  if (request.count_only && *counting_path(grant.engine_kind, request.endpoint) == '\0')
    return ApiError{Cause::unsupported_value, "The engine of this model does not count tokens ahead.", "model"};
  if (request.uses_tools && !grant.tools) {
    return ApiError{
        Cause::unsupported_parameter,
        fmt::format("The model '{}' does not know tools: its chat template has no words for them.", model.id), "tools"};
  }
  if (grant.engine_kind != "llama") return std::nullopt;
  if (request.may_call_tools && request.formatted) {
    return ApiError{Cause::unsupported_parameter,
                    "The engine of this model cannot hold an answer to a format while tools may be called; set "
                    "'tool_choice' to \"none\" or leave 'response_format' out.",
                    "response_format"};
  }
  if (request.may_call_tools && request.form.logprobs) {
    return ApiError{Cause::unsupported_parameter,
                    "The engine of this model gives no log probabilities while tools may be called.", "logprobs"};
  }
  return request.unenforced;
}

const char* counting_path(std::string_view engine_kind, Endpoint endpoint) {
  return engine_kind == "llama" && endpoint == Endpoint::chat ? "/input_tokens" : "";
}

void append_engine_members(std::string& body, const rpc::Grant& grant, Endpoint endpoint, bool stream,
                           const Asker& asker) {
  if (grant.engine_kind == "vllm") {
    constexpr int batch_priority = 10;  // lower runs first
    json::Writer::continuing(body)
        .member("cache_salt", asker.salt)
        .member("priority", asker.lane == rpc::Lane::batch ? batch_priority : 0);
    return;
  }
  // Embeddings keep nothing between requests and choose their slots themselves.
  if (!always_streams(grant.engine_kind, endpoint)) return;
  fmt::format_to(std::back_inserter(body), R"(,"id_slot":{},"cache_prompt":{},"lora":[)", grant.place,
                 !grant.place_changed_member);
  // An empty list is none at all to an engine that has adapters: the default ones apply, and what the place holds is
  // read on as if it were of the same ones. What is not named has the scale 0.
  if (grant.adapters > 0)
    fmt::format_to(std::back_inserter(body), R"({{"id":{},"scale":{}}})", grant.adapter.value_or(0),
                   grant.adapter ? 1 : 0);
  body += R"(],"return_progress":true)";
  if (!stream) body += R"(,"stream":true,"stream_options":{"include_usage":true})";
}

openai::ApiError error_from(std::string_view engine_kind, openai::Endpoint endpoint, int status, std::string_view body,
                            json::Document& document, bool tools) {
  if (engine_kind != "llama") {
    ApiError error = openai::engine_error(status, body);
    if (error.cause == Cause::context_length_exceeded) error.param = text_field(endpoint);
    if (engine_kind == "vllm" && error.cause == Cause::context_length_exceeded) return too_long(endpoint, {}, {});
    if (engine_kind == "vllm" && error.cause == Cause::invalid_value)
      error.message = "The engine cannot do what this request asks.";
    return error;
  }
  if (auto known = llama_error(endpoint, status, body, document, tools)) return *std::move(known);
  return {Cause::engine_failed, "The model's engine failed."};
}

}  // namespace faelled::engines
