// SseParser: bytes of an event stream in, events out (WHATWG HTML §9.2.6). Sans-IO, one per stream. Bounded: an event
// over limits::sse_event_bytes_max is an error, not a buffer. Split anywhere, LF, CR and CRLF, comments, BOM.
//
//   parser.push(bytes);
//   while (true) { auto event = parser.next(); if (!event) …; if (!*event) break; use(**event); }
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace faelled::openai {

struct SseEvent {
  std::string_view name;  // of the "event:" line; empty: none. llama-server's old "error:" line reads as name "error"
  std::string_view data;  // lines joined by '\n'
};

class SseParser {
 public:
  void push(std::string_view bytes);

  // The next whole event, nothing if more bytes are needed, Errc::too_large past the bound (then the stream is lost).
  // Views are valid until the next call of push() or next().
  Expected<std::optional<SseEvent>> next();

  // Bytes of an event that has begun but not ended.
  std::size_t pending_bytes() const { return buffer_.size() - begin_; }

 private:
  std::optional<std::string_view> take_line();
  void read_line(std::string_view line);

  std::string buffer_;
  std::size_t begin_ = 0;  // of the current event
  std::size_t line_ = 0;   // of the line being looked for; no line end between it and scanned_
  std::size_t scanned_ = 0;
  std::size_t lf_ = 0;    // no '\n' between scanned_ and it
  bool skip_lf_ = false;  // the last line ended in CR at the end of what was there
  bool first_ = true;     // a BOM may come
  // The event so far. Offsets count from begin_, so that the buffer may be moved down.
  std::size_t data_begin_ = 0, data_bytes_ = 0, data_lines_ = 0;
  std::size_t name_begin_ = 0, name_bytes_ = 0;
  bool error_line_ = false;
  std::string joined_;  // data of more than one line
};

}  // namespace faelled::openai
