// An engine's bytes: whole or split, the same answer comes out. The first byte is the size of the splits.
#include <cstdlib>
#include <string>

#include "http/response_parser.hpp"

namespace {

using faelled::http::ResponseParser;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Seen {
  bool spoke_http = true;
  bool complete = false;
  int status = 0;
  std::string type;
  std::string body;
  bool operator==(const Seen&) const = default;
};

Seen parse(std::string_view bytes, std::size_t step) {
  ResponseParser parser(1024);
  Seen seen;
  for (std::size_t at = 0; at < bytes.size() && seen.spoke_http && !parser.complete(); at += step)
    seen.spoke_http = parser.feed(bytes.substr(at, step), seen.body);
  if (seen.spoke_http) seen.complete = parser.finish();
  require(!seen.complete || (parser.head_complete() && parser.status() >= 200));
  seen.status = parser.status();
  seen.type = parser.header("content-type");
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  if (bytes < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  const Seen whole = parse(text, text.size());
  const Seen pieces = parse(text, 1 + data[0]);
  require(whole.spoke_http == pieces.spoke_http);
  if (whole.spoke_http) require(whole == pieces);
  return 0;
}
