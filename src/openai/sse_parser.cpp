#include "openai/sse_parser.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace faelled::openai {
namespace {

constexpr std::string_view bom = "\xEF\xBB\xBF";

}  // namespace

void SseParser::push(std::string_view bytes) {
  if (begin_ > 0 && begin_ >= buffer_.size() / 2) {
    buffer_.erase(0, begin_);
    line_ -= begin_;
    scanned_ -= begin_;
    lf_ -= std::min(lf_, begin_);
    begin_ = 0;
  }
  buffer_ += bytes;
}

// The next whole line, without its end.
std::optional<std::string_view> SseParser::take_line() {
  if (skip_lf_ && line_ < buffer_.size()) {
    skip_lf_ = false;
    if (buffer_[line_] == '\n') {
      if (begin_ == line_) ++begin_;
      ++line_;
    }
  }
  scanned_ = std::max(scanned_, line_);
  lf_ = std::max(lf_, scanned_);
  if (lf_ >= buffer_.size() || buffer_[lf_] != '\n') lf_ = std::min(buffer_.find('\n', lf_), buffer_.size());
  const std::string_view open(buffer_.data() + scanned_, lf_ - scanned_);
  const std::size_t cr = open.find('\r');
  const std::size_t end = cr == open.npos ? lf_ : scanned_ + cr;
  if (end == buffer_.size()) {
    scanned_ = end;
    return std::nullopt;
  }
  const std::string_view line(buffer_.data() + line_, end - line_);
  line_ = end + 1;
  if (buffer_[end] == '\r') {
    if (line_ == buffer_.size())
      skip_lf_ = true;
    else if (buffer_[line_] == '\n')
      ++line_;
  }
  scanned_ = line_;
  return line;
}

void SseParser::read_line(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  const auto offset = [&] {
    return value.empty() ? 0 : static_cast<std::size_t>(value.data() - buffer_.data()) - begin_;
  };
  if (field == "data" || field == "error") {
    if (field == "error") error_line_ = true;
    if (data_lines_ == 0) {
      data_begin_ = offset();
      data_bytes_ = value.size();
    } else {
      if (data_lines_ == 1) joined_.assign(buffer_, begin_ + data_begin_, data_bytes_);
      joined_ += '\n';
      joined_ += value;
    }
    ++data_lines_;
  } else if (field == "event") {
    name_begin_ = offset();
    name_bytes_ = value.size();
  }  // comments (field ""), id and retry mean nothing here
}

Expected<std::optional<SseEvent>> SseParser::next() {
  if (first_) {
    if (buffer_.size() < bom.size() && bom.starts_with(buffer_)) return std::nullopt;
    first_ = false;
    if (buffer_.starts_with(bom)) begin_ = line_ = scanned_ = bom.size();
  }
  while (const auto line = take_line()) {
    if (!line->empty()) {
      read_line(*line);
      if (line_ - begin_ > limits::sse_event_bytes_max) break;
      continue;
    }
    SseEvent event;
    event.data = data_lines_ > 1 ? std::string_view(joined_)
                                 : std::string_view(buffer_).substr(begin_ + data_begin_, data_bytes_);
    event.name = error_line_ ? "error" : std::string_view(buffer_).substr(begin_ + name_begin_, name_bytes_);
    begin_ = line_;
    data_begin_ = data_bytes_ = data_lines_ = name_begin_ = name_bytes_ = 0;
    error_line_ = false;
    if (!event.data.empty()) return event;
  }
  if (pending_bytes() > limits::sse_event_bytes_max) {
    return fail(Errc::too_large,
                "An event of the stream is over " + std::to_string(limits::sse_event_bytes_max) + " bytes.");
  }
  return std::nullopt;
}

}  // namespace faelled::openai
