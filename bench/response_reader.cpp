#include "bench/response_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace faelled::bench {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

}  // namespace

ResponseReader::State ResponseReader::feed(std::string_view bytes) {
  if (state_ == State::head) {
    const std::size_t before = head_.size();
    head_.append(bytes);
    const std::size_t end = head_.find("\r\n\r\n", before > 3 ? before - 3 : 0);
    if (end == std::string::npos) {
      if (head_.size() > head_bytes_max) state_ = State::broken;
      return state_;
    }
    bytes.remove_prefix(end + 4 - before);
    read_head(std::string_view(head_).substr(0, end));
  }
  while (!bytes.empty() && state_ == State::body) bytes.remove_prefix(feed_body(bytes));
  if (!bytes.empty()) state_ = State::broken;
  return state_;
}

void ResponseReader::read_head(std::string_view head) {
  state_ = State::broken;
  if (head.size() < 12 || !head.starts_with("HTTP/1.1 ")) return;
  std::from_chars(head.data() + 9, head.data() + 12, status_);
  bool framed = false;
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;) {
    const std::size_t next = head.find("\r\n", at + 2);
    const std::string_view line = head.substr(at + 2, next == std::string_view::npos ? next : next - at - 2);
    at = next;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (equals_ignoring_case(line.substr(0, colon), "content-length")) {
      std::from_chars(value.data(), value.data() + value.size(), left_bytes_);
      framed = true;
    } else if (equals_ignoring_case(line.substr(0, colon), "transfer-encoding")) {
      if (!equals_ignoring_case(value, "chunked")) return;
      framing_ = Framing::chunk_size;
      framed = true;
    }
  }
  if (!framed) return;  // a body that ends with the connection cannot be told from a broken one
  state_ = framing_ == Framing::length && left_bytes_ == 0 ? State::complete : State::body;
}

// Returns how many bytes it took, at least one.
std::size_t ResponseReader::feed_body(std::string_view bytes) {
  switch (framing_) {
    case Framing::length:
    case Framing::chunk_data: {
      const std::size_t taken = std::min<std::uint64_t>(bytes.size(), left_bytes_);
      feed_payload(bytes.substr(0, taken));
      left_bytes_ -= taken;
      if (left_bytes_ == 0) {
        if (framing_ == Framing::length) state_ = State::complete;
        framing_ = Framing::chunk_end;
      }
      return taken;
    }
    case Framing::chunk_size:
      feed_chunk_size(bytes[0]);
      return 1;
    case Framing::chunk_end:
      if (bytes[0] == '\n') framing_ = Framing::chunk_size;
      return 1;
    case Framing::trailer:
      if (bytes[0] == '\n') {
        if (trailer_line_empty_) state_ = State::complete;
        trailer_line_empty_ = true;
      } else if (bytes[0] != '\r') {
        trailer_line_empty_ = false;
      }
      return 1;
  }
  return 1;
}

void ResponseReader::feed_chunk_size(char byte) {
  if (byte == '\n') {
    framing_ = left_bytes_ == 0 ? Framing::trailer : Framing::chunk_data;
    in_extension_ = false;
  } else if (byte == ';') {
    in_extension_ = true;
  } else if (byte != '\r' && !in_extension_) {
    const int digit = hex_value(byte);
    if (digit < 0 || left_bytes_ > (1ULL << 40)) {
      state_ = State::broken;
      return;
    }
    left_bytes_ = left_bytes_ * 16 + static_cast<std::uint64_t>(digit);
  }
}

void ResponseReader::feed_payload(std::string_view payload) {
  body_bytes_ += payload.size();
  while (!payload.empty()) {
    const auto* newline = static_cast<const char*>(std::memchr(payload.data(), '\n', payload.size()));
    const std::size_t length = newline ? static_cast<std::size_t>(newline - payload.data()) : payload.size();
    if (line_bytes_ < line_start_bytes) {
      std::memcpy(line_start_ + line_bytes_, payload.data(), std::min(length, line_start_bytes - line_bytes_));
    }
    line_bytes_ += length;
    if (!newline) return;
    end_line();
    payload.remove_prefix(length + 1);
  }
}

void ResponseReader::end_line() {
  const std::string_view line(line_start_, std::min(line_bytes_, line_start_bytes));
  line_bytes_ = 0;
  if (!line.starts_with("data: ")) return;
  const std::string_view data = line.substr(6);
  if (data.starts_with("[DONE]")) {
    saw_done_ = true;
  } else if (data.starts_with("{\"error\"")) {
    saw_error_ = true;
  } else {
    ++events_;
  }
}

}  // namespace faelled::bench
