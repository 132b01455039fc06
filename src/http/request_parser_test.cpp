#include "http/request_parser.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace faelled::http {
namespace {

using State = RequestParser::State;
constexpr RequestBounds small{.target_bytes_max = 64, .header_bytes_max = 256, .headers_max = 8, .body_bytes_max = 100};

struct Seen {
  std::vector<std::string> requests;  // one line each, bodies and headers included
  int refused = 0;
  std::string why;
  bool operator==(const Seen&) const = default;
};

std::string line_of(const Request& r) {
  std::string line = std::to_string(static_cast<int>(r.method)) + " " + std::string(r.target) + "|" +
                     std::string(r.path) + "|" + std::string(r.query) + "|" + (r.keep_alive ? "keep" : "close") +
                     (r.http_1_0 ? " 1.0" : "");
  for (const Header& h : r.headers) line += "\n" + std::string(h.name) + "=" + std::string(h.value);
  return line + "\n\n" + std::string(r.body);
}

// As a connection does: a buffer that grows by `step` bytes, moves, and loses what a finished request consumed.
Seen parse(std::string_view bytes, std::size_t step, const RequestBounds& bounds = small) {
  RequestParser parser(bounds);
  Seen seen;
  std::string buffer;
  for (std::size_t at = 0; at < bytes.size() || !buffer.empty();) {
    const std::string grown = buffer + std::string(bytes.substr(at, step));
    const bool fed = at < bytes.size();
    at += std::min(step, bytes.size() - at);
    buffer = std::string(grown.data(), grown.size());
    State state = parser.feed(buffer);
    while (state == State::complete) {
      seen.requests.push_back(line_of(parser.request()));
      buffer.erase(0, parser.consumed());
      parser.next();
      state = parser.feed(buffer);
    }
    if (state == State::broken) {
      seen.refused = parser.status();
      seen.why = parser.message();
      EXPECT_FALSE(seen.why.empty());
      return seen;
    }
    if (!fed) break;
  }
  return seen;
}

int status_of(std::string_view bytes) { return parse(bytes, bytes.size()).refused; }
std::string with_header(std::string_view header) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + std::string(header) + "\r\n\r\n";
}

const std::string good[] = {
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /livez?a=1&b=%20 HTTP/1.1\r\nHost: x\r\nEmpty:\r\nSpaces:   \r\nLast: 1 2\r\n\r\n",
    "GET /without-headers HTTP/1.0\r\n\r\n",
    "POST /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "POST /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "POST /v1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: "
    "t\r\n\r\n",
    "\r\nDELETE /x HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n",
};

TEST(RequestParser, ReadsARequestInWhateverPiecesItComes) {
  for (const std::string& text : good) {
    const Seen whole = parse(text, text.size());
    ASSERT_EQ(whole.requests.size(), 1U) << text << whole.why;
    for (std::size_t step = 1; step < text.size(); ++step)
      EXPECT_EQ(parse(text, step), whole) << text << " by " << step;
  }
}

TEST(RequestParser, ReadsPipelinedRequestsInWhateverPiecesTheyCome) {
  std::string all;
  for (const std::string& text : good)
    if (!text.contains("close") && !text.contains("1.0")) all += text;
  const Seen whole = parse(all, all.size());
  ASSERT_EQ(whole.requests.size(), 5U);
  for (std::size_t step = 1; step < 60; ++step) EXPECT_EQ(parse(all, step), whole);
}

TEST(RequestParser, GivesPathQueryHeadersAndBody) {
  RequestParser parser(small);
  const std::string text =
      "PATCH /a%20b?c=d+e&f HTTP/1.1\r\nHost: x\r\nX-One: 1\r\nx-one: 2\r\nEmpty:\r\nPadded: \t v "
      "\t\r\nContent-Length: "
      "2\r\n\r\nhi";
  ASSERT_EQ(parser.feed(text), State::complete);
  const Request& r = parser.request();
  EXPECT_EQ(r.method, Method::patch);
  EXPECT_EQ(r.path, "/a%20b");
  EXPECT_EQ(query_value(r.query, "c"), "d e");
  EXPECT_EQ(query_value(r.query, "f"), "");
  EXPECT_EQ(r.header("X-ONE"), "1");
  EXPECT_EQ(r.header("empty"), "");
  EXPECT_EQ(r.header("padded"), "v");
  EXPECT_EQ(r.headers.size(), 6U);
  EXPECT_EQ(r.body, "hi");
  EXPECT_EQ(parser.consumed(), text.size());
}

TEST(PercentDecoded, ReadsTriplesAndLeavesTheRest) {
  EXPECT_EQ(percent_decoded("a%2Fb%c3%a6+&%"), "a/b\xc3\xa6+&%");
  EXPECT_EQ(percent_decoded("%4%zz%41"), "%4%zzA");
  EXPECT_EQ(query_value("v=%2B+%26&w=1", "v"), "+ &");
}

TEST(QueryValues, AreAllOfThatNameInOrder) {
  using Values = std::vector<std::string>;
  EXPECT_EQ(query_values("v=b&w=x&v=%61+%26&%76=b&v=&v&vv=y", "v"), (Values{"b", "a &", "b", "", ""}));
  EXPECT_EQ(query_values("w=v", "v"), Values());
  EXPECT_EQ(query_values("", ""), Values());
}

TEST(RequestParser, KeepsAliveAsTheVersionSays) {
  const auto keeps = [](std::string_view text) {
    RequestParser parser(small);
    EXPECT_EQ(parser.feed(text), State::complete);
    return parser.request().keep_alive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(RequestParser, HoldsItsBounds) {
  EXPECT_EQ(status_of("GET /" + std::string(63, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET /" + std::string(64, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 414);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(245, 'a') + "\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(256, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\n" + std::string(257, 'n') + ": \r\n\r\n"), 431);
  std::string headers;
  for (int i = 0; i < 7; ++i) headers += "A: b\r\n";
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n"), 0);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\n" + headers + "A:\r\n\r\n"), 431);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"), 0);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n"), 413);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + std::string(64, 'x') +
                      "\r\n40\r\n" + std::string(64, 'x')),
            413);
}

// Invariant: everything bounded
// Whatever comes, a connection's buffer stays bounded: what the grammar skips counts too.
TEST(RequestParser, BoundsWhatNobodyReads) {
  const std::string endless(4096, 'x');
  EXPECT_EQ(status_of([] {
              std::string lines;
              for (int i = 0; i < 4096; ++i) lines += "\r\n";
              return lines;
            }()),
            431);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nA:" + std::string(4096, ' ')), 431);
  EXPECT_EQ(status_of("GET / HTTP/1.1" + std::string(4096, ' ')), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" + endless), 413);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + endless), 431);
}

TEST(RequestParser, ShowsTheHeadBeforeTheBodyIsThere) {
  RequestParser parser(small);
  std::string text = "POST /a?b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer y\r\nContent-Length: 2\r\n\r\n";
  ASSERT_EQ(parser.feed(text), State::body);
  EXPECT_EQ(parser.head().path, "/a");
  EXPECT_EQ(parser.head().header("authorization"), "Bearer y");
  EXPECT_EQ(parser.head().body, "");
  text += "hi";
  text.shrink_to_fit();
  ASSERT_EQ(parser.feed(text), State::complete);
  EXPECT_EQ(parser.request().header("authorization"), "Bearer y");
  EXPECT_EQ(parser.request().body, "hi");
}

TEST(RequestParser, LeavesNoRoomForSmuggling) {
  EXPECT_EQ(status_of(with_header("Content-Length: 3\r\nContent-Length: 3")), 400);
  EXPECT_EQ(status_of(with_header("Content-Length: 3\r\nContent-Length: 4")), 400);
  EXPECT_EQ(status_of(with_header("Content-Length: 3\r\nTransfer-Encoding: chunked")), 400);
  EXPECT_EQ(status_of(with_header("Transfer-Encoding: chunked\r\nContent-Length: 3")), 400);
  EXPECT_EQ(status_of(with_header("Transfer-Encoding: identity")), 400);
  EXPECT_EQ(status_of(with_header("Host: y")), 400) << "a second one";
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nA: b\r\n\r\n"), 400) << "none (RFC 9112 section 3.2)";
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\nA: b\r\n\r\n"), 0) << "HTTP/1.0 knows no hosts";
  EXPECT_EQ(status_of(with_header("Transfer-Encoding: chunked, gzip")), 400);
  EXPECT_EQ(status_of(with_header("Content-Length: +3")), 400);
  EXPECT_EQ(status_of(with_header("Content-Length: 0x3")), 400);
  EXPECT_EQ(status_of(with_header("Content-Length: 1 2")), 400);
  EXPECT_EQ(status_of(with_header("Content-Length:")), 400);
  EXPECT_EQ(status_of(with_header("A : b")), 400);
  EXPECT_EQ(status_of(with_header("A: b\r\n folded")), 400);
  EXPECT_EQ(status_of(with_header("A:\r\n folded")), 400);
  EXPECT_EQ(status_of(with_header("A: b\r\n \r\nC: d")), 400);
  EXPECT_EQ(status_of(with_header(": no name")), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\n: no name\r\n\r\n"), 400);
  EXPECT_EQ(status_of(with_header("A: b\nB: c")), 400);
  EXPECT_EQ(status_of(with_header("A: b\rB: c")), 400);
  EXPECT_EQ(status_of(with_header(std::string_view("A: b\0c", 6))), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\nHost: x\n\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), 400);
}

TEST(RequestParser, TakesNoHeaderFromATrailer) {
  RequestParser parser(small);
  const std::string text =
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n1\r\na\r\n0\r\nAuthorization: Bearer "
      "other\r\n\r\n";
  ASSERT_EQ(parser.feed(text), State::complete);
  EXPECT_EQ(parser.request().header("authorization"), "");
  EXPECT_EQ(parser.request().headers.size(), 2U);
  EXPECT_EQ(parser.consumed(), text.size());
}

TEST(RequestParser, RefusesWhatIsNoHttp) {
  EXPECT_EQ(status_of("hello\r\n\r\n"), 400);
  EXPECT_EQ(status_of("\x16\x03\x01\x02"), 400);
  EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/0.9\r\n\r\n"), 505);
  EXPECT_EQ(status_of("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n"), 501);
}

TEST(RequestParser, IgnoresAnOfferedUpgrade) {
  const Seen seen = parse(
      "GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n"
      "POST /b HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi"
      "GET /c HTTP/1.1\r\nHost: x\r\n\r\n",
      1000);
  EXPECT_EQ(seen.refused, 0) << seen.why;
  ASSERT_EQ(seen.requests.size(), 3U);
  EXPECT_TRUE(seen.requests[1].ends_with("\n\nhi"));
}

TEST(RequestParser, SaysOnceThatTheClientWaitsForLeave) {
  RequestParser parser(small);
  std::string text = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
  EXPECT_EQ(parser.feed(text), State::body);
  EXPECT_EQ(parser.content_length(), 2U);
  EXPECT_TRUE(parser.take_expects_continue());
  EXPECT_FALSE(parser.take_expects_continue());
  text += "hi";
  EXPECT_EQ(parser.feed(text), State::complete);
  EXPECT_EQ(status_of(with_header("Expect: 200-ok")), 417);
  RequestParser old(small);  // HTTP/1.0 knows no such thing (RFC 9110 section 10.1.1)
  EXPECT_EQ(old.feed("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"), State::body);
  EXPECT_FALSE(old.take_expects_continue());
}

TEST(RequestParser, ForgetsOneRequestBeforeTheNext) {
  RequestParser parser(small);
  ASSERT_EQ(
      parser.feed("POST /a?q HTTP/1.1\r\nHost: x\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
      State::complete);
  parser.next();
  EXPECT_EQ(parser.state(), State::start);
  ASSERT_EQ(parser.feed("GET /b HTTP/1.1\r\nHost: x\r\n\r\n"), State::complete);
  EXPECT_EQ(line_of(parser.request()), "0 /b|/b||keep\nHost=x\n\n");
}

// Any bytes: no crash, bounded, and the same verdict however they are split.
TEST(RequestParser, TakesRandomMutationsTheSameInWhateverPiecesTheyCome) {
  const std::uint64_t seed = SystemRandom().u64();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good[random.below(std::size(good))] + good[random.below(std::size(good))];
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
      const std::size_t at = random.below(text.size());
      switch (random.below(4)) {
        case 0:
          text[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          text.erase(at, 1 + random.below(3));
          break;
        case 2:
          text.insert(at, std::string(1, " \t\r\n:,;0\0z"[random.below(11)]));
          break;
        default:
          text.insert(at, text.substr(random.below(text.size()), random.below(20)));
          break;
      }
      if (text.empty()) text = "x";
    }
    const Seen whole = parse(text, text.size());
    Seen pieces = parse(text, 1 + random.below(7));
    ASSERT_EQ(whole.requests, pieces.requests) << text;
    ASSERT_EQ(whole.refused, pieces.refused) << text << "\n" << whole.why << "\n" << pieces.why;
  }
}

}  // namespace
}  // namespace faelled::http
