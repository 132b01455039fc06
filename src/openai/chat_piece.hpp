// ChatPiece: what one chunk of a chat stream adds to the answer, taken apart for the protocols that are written from it
// (openai/responses, openai/anthropic). A whole chat answer reads as one piece that says everything. Values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json/document.hpp"
#include "openai/usage.hpp"

namespace faelled::openai {

struct CallPiece {
  std::int64_t index = 0;  // which of the answer's calls
  std::string id, name;    // empty: said before
  std::string arguments;   // goes on behind what came before
};

struct ChatPiece {
  std::string text, reasoning;
  std::vector<CallPiece> calls;
  std::string finish_reason;           // empty: not the end yet
  Usage usage;                         // `known` where the piece carries it
  std::uint32_t reasoning_tokens = 0;  // of the output tokens, where the engine tells them apart
};

// `json`: what StreamRewriter forwards or rewrite_answer makes. What is not there, or of another kind, reads as
// nothing.
ChatPiece read_chat_piece(std::string_view json, json::Document& document);

}  // namespace faelled::openai
