// ChatMessages: writes the `messages` of a chat body from another protocol's conversation, one turn after the other.
// What the assistant said and the calls it made right after are one message, as chat templates expect. Texts, ids and
// names come as raw JSON strings of a checked document and go out byte for byte. Pure; lives for one body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json/writer.hpp"

namespace faelled::openai {

class ChatMessages {
 public:
  using Texts = std::vector<std::string_view>;

  ChatMessages() : writer_(out_) { writer_.array(); }

  void say(std::string_view role, const Texts& texts);
  // `arguments`: a JSON string too.
  void call(std::string_view id, std::string_view name, std::string arguments);
  void result(std::string_view call_id, const Texts& texts);

  bool empty() const { return count_ == 0; }
  // About how many tokens a model will read: bytes of text / 4, and the marks of each turn.
  std::uint32_t tokens_estimate() const;
  // The whole array; nothing may be added after.
  std::string_view take();

 private:
  struct Call {
    std::string_view id, name;
    std::string arguments;
  };
  void write_content(const Texts& texts);
  void end_turn();

  std::string out_;
  json::Writer writer_;
  std::size_t count_ = 0;
  std::size_t text_bytes_ = 0;
  bool assistant_ = false;  // a turn of the assistant is open
  Texts texts_;             // of that turn
  std::vector<Call> calls_;
};

}  // namespace faelled::openai
