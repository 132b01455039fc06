#include "openai/ranking.hpp"

#include <algorithm>

#include "json/writer.hpp"

namespace faelled::openai {
namespace {

using json::Value;

struct Place {
  std::size_t document = 0;
  double score = 0;
  Value as_said;
};

// Empty where some document has no score, or two.
std::vector<Place> places_of(Value results, std::size_t documents) {
  std::vector<Place> places;
  std::vector<bool> seen(documents, false);
  for (const Value result : results.items()) {
    const auto index = result.find("index"), score = result.find("relevance_score");
    const auto number = index ? index->integer() : std::nullopt;
    const auto value = score ? score->number() : std::nullopt;
    if (!number || !value || *number < 0 || static_cast<std::size_t>(*number) >= documents) return {};
    const auto document = static_cast<std::size_t>(*number);
    if (seen[document]) return {};
    seen[document] = true;
    places.push_back({document, *value, *score});
  }
  if (places.size() != documents) return {};
  std::ranges::sort(places, [](const Place& a, const Place& b) {
    return a.score != b.score ? a.score > b.score : a.document < b.document;
  });
  return places;
}

// vLLM's rankings say the total alone.
Usage usage_of(Value root) {
  const auto said = root.find("usage");
  if (!said) return {};
  Usage usage = read_usage(*said);
  const auto total = said->find("total_tokens");
  const auto tokens = total ? total->integer() : std::nullopt;
  if (!usage.known && tokens && *tokens >= 0 && *tokens <= 0xFFFFFFFF) {
    usage.known = true;
    usage.prompt_tokens = static_cast<std::uint32_t>(*tokens);
  }
  return usage;
}

}  // namespace

std::expected<Answer, ApiError> rewrite_ranking(Value root, const Request& request, std::string_view public_model) {
  const auto places = places_of(root.find("results").value_or(Value()), request.inputs);
  if (places.empty()) {
    return std::unexpected(ApiError{.cause = Cause::engine_failed,
                                    .message = "The engine's answer does not hold a score for each document.",
                                    .param = {},
                                    .retry_after = {}});
  }
  Answer answer;
  answer.usage = usage_of(root);
  json::Writer writer(answer.body);
  writer.object().member("object", "list").member("model", public_model).key("results").array();
  const std::size_t most = request.form.top_n > 0 ? request.form.top_n : places.size();
  for (const Place& place : std::span(places).first(std::min(most, places.size()))) {
    writer.object().member("index", static_cast<std::uint64_t>(place.document));
    writer.member_raw("relevance_score", place.as_said.raw());
    if (request.form.return_documents) {
      writer.key("document").object().member_raw("text", request.document(place.document)).close_object();
    }
    writer.close_object();
  }
  writer.close_array().key("usage").object();
  writer.member("prompt_tokens", answer.usage.prompt_tokens).member("total_tokens", answer.usage.prompt_tokens);
  writer.close_object().close_object();
  return answer;
}

}  // namespace faelled::openai
