// Message: the answer of /v1/messages as it grows out of a chat stream: its content blocks, one after the other, and
// the events that tell of them. The last block, and every call behind the first, stays back until done(): whoever calls
// that has closed the record first. Sans-IO, one per answer.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "json/document.hpp"
#include "json/writer.hpp"
#include "openai/chat_piece.hpp"

namespace faelled::openai::anthropic {

class Message {
 public:
  // `number`: what ids are made of, unique among answers. `prompt_tokens_estimate`: what message_start says of the
  // input, as no engine has counted it yet. `thinking`: show what the model thinks.
  Message(std::string_view number, std::string_view model, std::uint32_t prompt_tokens_estimate, bool thinking);

  // Each appends whole event frames to `out`.
  void add(const ChatPiece& piece, std::string& out);
  void done(std::string& out);
  static void ping(std::string& out);

  // The object that goes to a client who does not stream.
  void append_whole(const ChatPiece& piece, json::Document& document, std::string& out);

  // Bytes that are kept back.
  std::size_t bytes() const { return bytes_; }

 private:
  enum class Block : std::uint8_t { none, text, thinking, call };

  void begin(std::string& out);
  void open(Block block, std::string& out, const CallPiece* call = nullptr);
  void close(std::string& out);
  void grow(Block block, std::string_view text, std::string& out);
  void add_call(const CallPiece& piece, std::string& out);
  void append_usage(json::Writer& writer) const;
  std::string_view stop_reason() const;
  std::string call_id(const CallPiece& call) const;

  std::string number_, model_;
  std::uint32_t prompt_tokens_estimate_;
  bool thinking_;
  bool begun_ = false;
  Block block_ = Block::none;
  std::size_t blocks_ = 0;  // closed ones: the index of the open one
  std::int64_t call_ = 0;   // which call the open block is
  bool called_ = false;
  std::map<std::int64_t, CallPiece> later_calls_;
  std::string later_text_;  // said behind a call
  std::string finish_reason_;
  Usage usage_;
  std::uint32_t pieces_ = 0;
  std::uint32_t unseen_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace faelled::openai::anthropic
