#include "openai/usage.hpp"

#include <algorithm>
#include <limits>

namespace faelled::openai {
namespace {

std::optional<std::uint32_t> count_of(std::optional<json::Value> value) {
  const auto number = value ? value->integer() : std::nullopt;
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(*number, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

Usage read_usage(json::Value value) {
  Usage usage;
  const auto prompt = count_of(value.find("prompt_tokens"));
  if (!prompt) return usage;
  usage.known = true;
  usage.prompt_tokens = *prompt;
  usage.output_tokens = count_of(value.find("completion_tokens")).value_or(0);
  if (const auto details = value.find("prompt_tokens_details")) {
    usage.cached_tokens = std::min(count_of(details->find("cached_tokens")).value_or(0), *prompt);
  }
  return usage;
}

void append_usage(json::Writer& writer, const Usage& usage) {
  writer.key("usage").object().member("prompt_tokens", usage.prompt_tokens);
  writer.member("completion_tokens", usage.output_tokens);
  writer.member("total_tokens", std::uint64_t{usage.prompt_tokens} + usage.output_tokens);
  writer.key("prompt_tokens_details").object().member("cached_tokens", usage.cached_tokens).close_object();
  writer.close_object();
}

}  // namespace faelled::openai
