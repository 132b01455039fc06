// Response: the answer of /v1/responses as it grows out of a chat stream: its output items, the events that tell of
// them in their order, and the object itself. The last item stays open until done(): whoever calls that has closed the
// record first. Sans-IO, one per answer; it keeps the whole answer, because the last events say it again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json/writer.hpp"
#include "openai/api_error.hpp"
#include "openai/chat_piece.hpp"

namespace faelled::openai::responses {

class Response {
 public:
  // `number`: what ids are made of, unique among answers. `echo`: see Asked. Times are Unix seconds.
  Response(std::string_view number, std::string_view model, std::string_view echo, std::int64_t created_s);

  // Each appends whole event frames to `out`. begin() comes first; then add(), still() in any order; then done() or
  // failed(), once.
  void begin(std::string& out);
  void still(std::string& out);  // a sign of life
  void add(const ChatPiece& piece, std::string& out);
  void done(std::int64_t completed_s, std::string& out);
  void failed(const ApiError& error, std::string& out);

  // The object that goes to a client who does not stream: after add() of the whole answer.
  void append_whole(std::int64_t completed_s, std::string& out);

  // Bytes of the answer so far.
  std::size_t bytes() const { return bytes_; }

 private:
  enum class Kind : std::uint8_t { message, call, reasoning };
  struct Item {
    Kind kind;
    std::string id;
    std::string text;  // said, thought, or the arguments
    bool open = true;
    std::int64_t call = 0;  // its number in the chat stream
    std::string call_id, name;
  };

  Item& speaking(Kind kind, std::string& out);
  Item& calling(const CallPiece& piece, std::string& out);
  Item& start(Kind kind);
  void announce(const Item& item, std::string& out);
  void grow(Item& item, std::string_view more, std::string& out);
  void close_speech(std::string& out);
  void close(Item& item, std::string& out);
  void settle(std::string& out);

  json::Writer event(std::string_view type, std::string& out);
  static void end_event(json::Writer& writer, std::string& out);
  void place(json::Writer& writer, const Item& item) const;
  void part_event(std::string_view type, const Item& item, std::string_view text, std::string& out);
  void append_part(json::Writer& writer, const Item& item, std::string_view text) const;
  void append_item(json::Writer& writer, const Item& item, std::string_view status) const;
  void append_response(std::string_view status, std::int64_t completed_s, const ApiError* error,
                       std::string& out) const;
  void response_event(std::string_view type, std::string_view status, std::string& out, std::int64_t completed_s = 0,
                      const ApiError* error = nullptr);
  bool cut_short() const { return finish_reason_ == "length" || finish_reason_ == "content_filter"; }

  std::string number_, model_;
  std::string_view echo_;
  std::int64_t created_s_;
  std::uint64_t sequence_ = 0;
  std::vector<Item> items_;
  std::string finish_reason_;
  Usage usage_;
  std::uint32_t reasoning_tokens_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace faelled::openai::responses
