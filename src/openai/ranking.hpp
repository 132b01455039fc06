// Rankings: what an engine says of each document, best first. Pure. Internal to src/openai.
#pragma once

#include <expected>
#include <string_view>

#include "json/value.hpp"
#include "openai/answer.hpp"

namespace faelled::openai {

// `root`: {"results":[{"index","relevance_score"}]} of llama-server, vLLM, Jina or Cohere, in any order. ApiError
// engine_failed where a document has no score, or two.
std::expected<Answer, ApiError> rewrite_ranking(json::Value root, const Request& request,
                                                std::string_view public_model);

}  // namespace faelled::openai
