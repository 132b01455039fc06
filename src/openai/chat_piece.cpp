#include "openai/chat_piece.hpp"

#include <algorithm>
#include <limits>

namespace faelled::openai {
namespace {

using json::Value;

void append_member(std::string& out, Value object, std::string_view name) {
  if (const auto value = object.find(name)) out += value->text().value_or("");
}

void read_call(ChatPiece& piece, Value call) {
  CallPiece& part = piece.calls.emplace_back();
  part.index = static_cast<std::int64_t>(piece.calls.size()) - 1;  // a whole answer's calls have no index
  if (const auto index = call.find("index")) part.index = index->integer().value_or(part.index);
  append_member(part.id, call, "id");
  const auto function = call.find("function");
  if (!function) return;
  append_member(part.name, *function, "name");
  append_member(part.arguments, *function, "arguments");
}

void read_said(ChatPiece& piece, Value said) {
  append_member(piece.text, said, "content");
  append_member(piece.text, said, "refusal");
  append_member(piece.reasoning, said, "reasoning_content");
  if (piece.reasoning.empty()) append_member(piece.reasoning, said, "reasoning");  // newer vLLM
  if (const auto calls = said.find("tool_calls")) {
    for (const Value call : calls->items()) read_call(piece, call);
  }
}

}  // namespace

ChatPiece read_chat_piece(std::string_view json, json::Document& document) {
  ChatPiece piece;
  const auto root = document.parse(json);
  if (!root) return piece;
  if (const auto choices = root->find("choices")) {
    for (const Value choice : choices->items()) {
      for (const char* name : {"delta", "message"}) {
        if (const auto said = choice.find(name)) read_said(piece, *said);
      }
      append_member(piece.finish_reason, choice, "finish_reason");
      break;  // one choice is asked for
    }
  }
  const auto usage = root->find("usage");
  if (!usage) return piece;
  piece.usage = read_usage(*usage);
  const auto details = usage->find("completion_tokens_details");
  const auto tokens = details ? details->find("reasoning_tokens") : std::nullopt;
  const std::int64_t count = tokens ? tokens->integer().value_or(0) : 0;
  piece.reasoning_tokens = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(count, 0, static_cast<std::int64_t>(piece.usage.output_tokens)));
  return piece;
}

}  // namespace faelled::openai
