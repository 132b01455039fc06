// ResponseReader: reads one HTTP/1.1 response as it arrives, in whatever pieces, and counts the server-sent events in
// it. Owned by one connection of the load tool. It knows just enough to say whether a stream ended as it should.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace faelled::bench {

class ResponseReader {
 public:
  enum class State : std::uint8_t { head, body, complete, broken };

  // Bytes after a complete response are an error of the server: the load tool never pipelines.
  State feed(std::string_view bytes);
  void reset() { *this = ResponseReader(); }

  State state() const { return state_; }
  int status() const { return status_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  std::uint32_t events() const { return events_; }  // `data: {…}` lines
  bool saw_done() const { return saw_done_; }       // `data: [DONE]`
  bool saw_error() const { return saw_error_; }     // `data: {"error"…`

 private:
  enum class Framing : std::uint8_t { length, chunk_size, chunk_data, chunk_end, trailer };

  static constexpr std::size_t head_bytes_max = 16 * 1024;
  static constexpr std::size_t line_start_bytes = 16;

  void read_head(std::string_view head);
  std::size_t feed_body(std::string_view bytes);
  void feed_chunk_size(char byte);
  void feed_payload(std::string_view payload);
  void end_line();

  State state_ = State::head;
  Framing framing_ = Framing::length;
  int status_ = 0;
  std::string head_;
  std::uint64_t left_bytes_ = 0;  // of the body or of the current chunk
  bool in_extension_ = false;
  bool trailer_line_empty_ = true;
  std::uint64_t body_bytes_ = 0;

  char line_start_[line_start_bytes] = {};
  std::size_t line_bytes_ = 0;
  std::uint32_t events_ = 0;
  bool saw_done_ = false;
  bool saw_error_ = false;
};

}  // namespace faelled::bench
