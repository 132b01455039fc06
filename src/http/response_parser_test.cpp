#include "http/response_parser.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace faelled::http {
namespace {

struct Seen {
  bool spoke_http = true;
  bool complete = false;
  int status = 0;
  bool keep_alive = false;
  std::string type;
  std::string body;
  bool operator==(const Seen&) const = default;
};

Seen parse(std::string_view bytes, std::size_t step, bool then_closed = false) {
  ResponseParser parser(512);
  Seen seen;
  for (std::size_t at = 0; at < bytes.size() && seen.spoke_http && !parser.complete(); at += step)
    seen.spoke_http = parser.feed(bytes.substr(at, step), seen.body);
  if (seen.spoke_http && then_closed) seen.complete = parser.finish();
  seen.complete = parser.complete();
  seen.status = parser.status();
  seen.keep_alive = parser.keep_alive();
  seen.type = parser.header("Content-Type");
  return seen;
}

const std::string good[] = {
    "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nEmpty:\r\ncontent-type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\nContent-Type: no\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
    "Content-Type: a/b\r\nContent-Length: 5\r\n\r\nhello",
};

TEST(ResponseParser, ReadsAnAnswerInWhateverPiecesItComes) {
  for (const std::string& text : good)
    for (std::size_t step = 1; step <= text.size(); ++step)
      EXPECT_EQ(parse(text, step), (Seen{true, true, 200, true, "a/b", "hello"})) << text << " by " << step;
}

TEST(ResponseParser, KnowsWhereAnAnswerWithoutLengthEnds) {
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\nhello";
  EXPECT_FALSE(parse(text, 7).complete);
  EXPECT_EQ(parse(text, 7, true), (Seen{true, true, 200, false, "a/b", "hello"}));
}

TEST(ResponseParser, TellsABrokenOffAnswerFromAWholeOne) {
  for (const std::string& text : good)
    for (std::size_t bytes = 0; bytes < text.size(); ++bytes)
      EXPECT_FALSE(parse(text.substr(0, bytes), 9, true).complete) << text.substr(0, bytes);
}

TEST(ResponseParser, KeepsNoConnectionThatIsOutOfStep) {
  EXPECT_TRUE(parse(good[0], 1000).keep_alive);
  EXPECT_FALSE(parse(good[0] + "more", 1000).keep_alive);
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 1000).keep_alive);
  EXPECT_FALSE(parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 1000).keep_alive);
}

TEST(ResponseParser, NeedsNoBodyWhereThereIsNone) {
  EXPECT_TRUE(parse("HTTP/1.1 204 No Content\r\n\r\n", 5).complete);
  EXPECT_TRUE(parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 5).complete);
}

TEST(ResponseParser, RefusesAHugeHeadAndWhatIsNoHttp) {
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nA: " + std::string(600, 'a'), 50).spoke_http);
  EXPECT_FALSE(parse("SSH-2.0-OpenSSH\r\n", 50).spoke_http);
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 500).spoke_http);
  std::string endless;
  for (int i = 0; i < 200; ++i) endless += "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n";
  EXPECT_FALSE(parse(endless + endless, 50).spoke_http);
}

TEST(ResponseParser, ForgetsOneAnswerBeforeTheNext) {
  ResponseParser parser(512);
  std::string body;
  ASSERT_TRUE(parser.feed("HTTP/1.1 200 OK\r\nContent-Type: a\r\nContent-Length: 1\r\n\r\nx", body));
  parser.next();
  ASSERT_TRUE(parser.feed("HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\ny", body));
  EXPECT_TRUE(parser.complete());
  EXPECT_EQ(parser.status(), 404);
  EXPECT_EQ(parser.header("content-type"), "");
  EXPECT_EQ(body, "xy");
}

TEST(ResponseParser, TakesRandomMutationsTheSameInWhateverPiecesTheyCome) {
  const std::uint64_t seed = SystemRandom().u64();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good[random.below(std::size(good))];
    for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
      const std::size_t at = random.below(text.size());
      if (random.below(2) == 0) {
        text[at] = static_cast<char>(random.below(256));
      } else {
        text.insert(at, text.substr(random.below(text.size()), random.below(20)));
      }
    }
    const Seen whole = parse(text, text.size());
    const Seen pieces = parse(text, 1 + random.below(9));
    ASSERT_EQ(whole.spoke_http, pieces.spoke_http) << text;
    if (!whole.spoke_http) continue;
    ASSERT_EQ(whole.complete, pieces.complete) << text;
    ASSERT_EQ(whole.body, pieces.body) << text;
  }
}

}  // namespace
}  // namespace faelled::http
