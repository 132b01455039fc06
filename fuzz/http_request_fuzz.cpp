// A client's bytes: whole or split, the same requests come out, each within its bounds. The first byte is the size of
// the splits.
#include <cstdlib>
#include <string>
#include <vector>

#include "http/request_parser.hpp"

namespace {

using namespace faelled::http;

constexpr RequestBounds bounds{
    .target_bytes_max = 256, .header_bytes_max = 1024, .headers_max = 16, .body_bytes_max = 1024};

void require(bool holds) {
  if (!holds) std::abort();
}

void require_within(std::string_view part, std::string_view buffer) {
  require(part.empty() || (part.data() >= buffer.data() && part.data() + part.size() <= buffer.data() + buffer.size()));
}

struct Seen {
  std::vector<std::string> requests;
  bool broken = false;
};

Seen parse(std::string_view bytes, std::size_t step) {
  RequestParser parser(bounds);
  Seen seen;
  std::string buffer;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    buffer += bytes.substr(at, step);
    buffer.shrink_to_fit();
    auto state = parser.feed(buffer);
    while (state == RequestParser::State::complete) {
      const Request& r = parser.request();
      require_within(r.target, buffer);
      require(r.target.size() <= bounds.target_bytes_max && r.body.size() <= bounds.body_bytes_max);
      require(r.headers.size() <= bounds.headers_max);
      std::string all(r.target);
      for (const Header& h : r.headers) {
        require_within(h.name, buffer);
        require_within(h.value, buffer);
        require(!h.name.empty() && h.value.find_first_of(std::string_view("\r\n\0", 3)) == h.value.npos);
        all.append("\n").append(h.name).append("=").append(h.value);
      }
      all.append("\n\n").append(r.body);
      seen.requests.push_back(std::move(all));
      require(parser.consumed() > 0 && parser.consumed() <= buffer.size());
      buffer.erase(0, parser.consumed());
      parser.next();
      state = parser.feed(buffer);
    }
    if (state == RequestParser::State::broken) {
      require(parser.status() >= 400 && !parser.message().empty());
      seen.broken = true;
      break;
    }
    require(step > 64 || buffer.size() < 6 * 1024);
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  if (bytes < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  const Seen whole = parse(text, text.size());
  const Seen pieces = parse(text, 1 + data[0]);
  // In pieces an endless head is refused before its end is seen.
  require(pieces.requests.size() <= whole.requests.size() && (pieces.broken || !whole.broken));
  if (text.size() < bounds.target_bytes_max)
    require(pieces.requests == whole.requests && pieces.broken == whole.broken);
  return 0;
}
