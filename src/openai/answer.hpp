// Answers that are not streamed, and the bodies we write ourselves: model list, model object. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/document.hpp"
#include "openai/request.hpp"
#include "openai/usage.hpp"

namespace faelled::openai {

struct Answer {
  std::string body;
  Usage usage;
};

// The engine's 200 answer as the client gets it: our model name, OpenAI's members only, embeddings as base64 if asked.
// ApiError engine_failed where it is not what the endpoint promises (not JSON, an error object, no choices, a vector
// missing, …).
std::expected<Answer, ApiError> rewrite_answer(std::string_view engine_body, const Request& request,
                                               std::string_view public_model, json::Document& document);

// Several answers to one request (Request::choice) as one: all their choices, in their order, and the sum of their
// usage. Each is what rewrite_answer() gave.
std::string merge_answers(std::span<const std::string> bodies, const Usage& sum, json::Document& document);

// The last chunk of a stream of several choices: no choice, and the sum of their usage.
std::string usage_chunk(const Request& request, std::string_view id, std::string_view public_model,
                        std::int64_t created_s, const Usage& sum);

struct ModelEntry {
  std::string_view id;
  std::int64_t created_s = 0;  // Unix time
  std::string_view owned_by = "faelled";
};
void append_model(std::string& out, const ModelEntry& model);
void append_model_list(std::string& out, std::span<const ModelEntry> models);

// Up to `most` names near to `wanted`, nearest first; none that differ in more than about a third.
std::vector<std::string> nearest_names(std::string_view wanted, std::span<const std::string> names,
                                       std::size_t most = 3);

// 404 with the nearest names in the message.
ApiError model_not_found(std::string_view wanted, std::span<const std::string> names);

}  // namespace faelled::openai
