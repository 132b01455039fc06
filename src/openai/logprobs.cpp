#include "openai/logprobs.hpp"

#include <algorithm>
#include <vector>

namespace faelled::openai {
namespace {

using json::Kind;
using json::Value;

std::string_view raw_or(std::optional<Value> value, std::string_view otherwise) {
  return value ? value->raw() : otherwise;
}

void append_entry(json::Writer& writer, Value entry) {
  writer.member_raw("token", raw_or(entry.find("token"), R"("")"));
  writer.member_raw("logprob", raw_or(entry.find("logprob"), "null"));
  writer.member_raw("bytes", raw_or(entry.find("bytes"), "null"));
}

std::string token_of(Value entry) {
  const auto token = entry.find("token");
  return token ? token->text().value_or("") : "";
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// One token's alternatives as an object; two tokens may have one spelling, and the likelier one comes first.
void append_alternatives(json::Writer& writer, Value entry, std::uint32_t most) {
  std::vector<std::string> seen;
  writer.object();
  if (const auto alternatives = entry.find("top_logprobs")) {
    for (const Value alternative : alternatives->items()) {
      if (seen.size() == most) break;
      std::string token = token_of(alternative);
      if (std::ranges::find(seen, token) != seen.end()) continue;
      writer.member_raw(token, raw_or(alternative.find("logprob"), "null"));
      seen.push_back(std::move(token));
    }
  }
  writer.close_object();
}

}  // namespace

void append_chat_logprobs(json::Writer& writer, Value logprobs, std::uint32_t most) {
  writer.object().key("content").array();
  for (const Value entry : logprobs.find("content").value_or(Value()).items()) {
    writer.object();
    append_entry(writer, entry);
    writer.key("top_logprobs").array();
    std::uint32_t number = 0;
    for (const Value alternative : entry.find("top_logprobs").value_or(Value()).items()) {
      if (number++ == most) break;
      writer.object();
      append_entry(writer, alternative);
      writer.close_object();
    }
    writer.close_array().close_object();
  }
  writer.close_array().member("refusal", nullptr).close_object();
}

void append_completion_logprobs(json::Writer& writer, Value logprobs, std::uint32_t most, std::size_t& text_offset) {
  const auto content = logprobs.find("content");
  if (!content) {
    writer.raw(logprobs.raw());
    return;
  }
  writer.object().key("tokens").array();
  for (const Value entry : content->items()) writer.raw(raw_or(entry.find("token"), R"("")"));
  writer.close_array().key("token_logprobs").array();
  for (const Value entry : content->items()) writer.raw(raw_or(entry.find("logprob"), "null"));
  writer.close_array().key("top_logprobs");
  if (most == 0) {
    writer.null();
  } else {
    writer.array();
    for (const Value entry : content->items()) append_alternatives(writer, entry, most);
    writer.close_array();
  }
  writer.key("text_offset").array();
  for (const Value entry : content->items()) {
    writer.unsigned_integer(text_offset);
    text_offset += code_points(token_of(entry));
  }
  writer.close_array().close_object();
}

}  // namespace faelled::openai
