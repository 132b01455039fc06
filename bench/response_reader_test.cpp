#include "bench/response_reader.hpp"

#include <gtest/gtest.h>

namespace faelled::bench {
namespace {

using State = ResponseReader::State;

const std::string stream =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "13\r\ndata: {\"a\":\"{}\"}\n\n\n\r\n"
    "4;note=1\r\n: \nd\r\n"
    "22\r\nata: {\"b\":1}\n\ndata: [DONE]\n\n      \r\n"
    "0\r\nTrailer: x\r\n\r\n";

TEST(ResponseReader, counts_the_same_however_the_bytes_are_cut) {
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    ResponseReader reader;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      ASSERT_NE(reader.state(), State::complete) << step;
      reader.feed(std::string_view(stream).substr(at, step));
    }
    ASSERT_EQ(reader.state(), State::complete) << step;
    EXPECT_EQ(reader.status(), 200);
    EXPECT_EQ(reader.events(), 2U);
    EXPECT_TRUE(reader.saw_done());
    EXPECT_FALSE(reader.saw_error());
  }
}

TEST(ResponseReader, reads_a_body_with_a_length_and_starts_again) {
  ResponseReader reader;
  EXPECT_EQ(reader.feed("HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nab"), State::body);
  EXPECT_EQ(reader.feed("cde"), State::complete);
  EXPECT_EQ(reader.status(), 404);
  reader.reset();
  EXPECT_EQ(reader.feed("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"), State::complete);
  EXPECT_EQ(reader.status(), 204);
}

TEST(ResponseReader, tells_an_error_in_a_stream_from_a_chunk) {
  ResponseReader reader;
  reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\ndata: {\"error\":{\"a\":true}}\n");
  EXPECT_EQ(reader.state(), State::complete);
  EXPECT_TRUE(reader.saw_error());
  EXPECT_EQ(reader.events(), 0U);
}

TEST(ResponseReader, calls_an_unframed_body_a_bad_chunk_size_and_bytes_too_many_broken) {
  for (const char* bytes : {"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "SSH-2.0-x\r\n\r\n"}) {
    ResponseReader reader;
    EXPECT_EQ(reader.feed(bytes), State::broken) << bytes;
  }
}

}  // namespace
}  // namespace faelled::bench
