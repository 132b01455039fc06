#include "http/server.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "net/event.hpp"
#include "net/testing.hpp"

namespace faelled::http {
namespace {

using net::Peer;
using net::Task;

// A server on a real socket, and a client's side on the same loop.
class HttpServer : public ::testing::Test {
 protected:
  void start() {
    server_ = std::make_unique<Server>(
        loop_, bounds_, [this](const Request& request, Reply& reply) { return handle(request, reply); },
        [](int status, std::string_view message) {
          return ErrorAnswer("x-request-id: req_1\r\n", std::to_string(status) + " " + std::string(message));
        });
    server_->admit_by([this](const Request& head, Reply& reply) {
      ++asked_;
      if (head.header("authorization") != "wrong") return true;
      reply.send(401, "", "who are you?");
      return false;
    });
    auto listener = net::Listener::tcp(loop_, "127.0.0.1", 0).value();
    port_ = listener.port();
    server_->serve(std::move(listener));
  }
  void TearDown() override {
    if (server_) net::run(loop_, server_->drain(0ms));
  }
  void run(const std::function<Task<void>()>& body) {
    start();
    net::run(loop_, body());
  }

  Task<void> handle(const Request& request, Reply& reply) {
    ++handled_;
    if (request.path == "/echo") {
      reply.send(200, "Content-Type: text/plain\r\n", std::string(request.target) + ":" + std::string(request.body));
    } else if (request.path == "/nothing") {
      reply.send(204, "", {});
    } else if (request.path == "/unchanged") {
      reply.send(304, "ETag: x\r\n", "never sent");
    } else if (request.path == "/stream") {
      reply.begin(200, "Content-Type: text/event-stream\r\n");
      for (const char* piece : {"one", "", "two"}) {
        reply.write(piece);
        reply.flush();
      }
      reply.finish();
    } else if (request.path == "/torn") {
      reply.begin(200, "");
      reply.write("half");
      reply.abort();
    } else if (request.path == "/silent") {
      // returns without a word
    } else if (request.path == "/held") {
      held_ = &reply;
      net::Event done;
      release_ = [&done] { done.set(); };
      reply.on_gone([&] {
        gone_ = true;
        done.set();
      });
      came_.set();
      co_await done;
      held_ = nullptr;
      reply.send(200, "", "late");
    } else if (request.path == "/flood") {
      reply.begin(200, "");
      const std::string piece(64 * 1024, 'x');
      while (!reply.gone() && !reply.congested()) {
        reply.write(piece);
        reply.flush();
      }
      congested_ = true;
      came_.set();
      flooded_ = co_await reply.drained();
      reply.finish();
      came_.set();
    } else if (request.path == "/big") {
      reply.send(200, "", std::string(8 * 1024 * 1024, '#'));
    }
  }

  net::Loop loop_;
  ServerBounds bounds_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  int handled_ = 0;
  int asked_ = 0;
  Reply* held_ = nullptr;
  std::function<void()> release_;
  net::Event came_;
  bool gone_ = false;
  bool congested_ = false;
  std::optional<bool> flooded_;
};

std::string get(std::string_view path, std::string_view headers = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}
constexpr const char* close_line = "Connection: close\r\n";

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

TEST_F(HttpServer, AnswersPipelinedRequestsInOrderOnOneConnection) {
  run([&]() -> Task<void> {
    auto peer = co_await Peer::tcp(loop_, port_);
    co_await peer.say(get("/echo?1") + get("/stream") +
                      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi" + get("/nothing") +
                      get("/echo?last", close_line));
    const std::string all = co_await peer.all();
    EXPECT_EQ(handled_, 5);
    EXPECT_EQ(count(all, "HTTP/1.1 20"), 5U);
    EXPECT_LT(all.find("/echo?1:"), all.find("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
    EXPECT_LT(all.find("two"), all.find("/echo:hi"));
    EXPECT_LT(all.find("/echo:hi"), all.find("204 No Content"));
    EXPECT_TRUE(all.ends_with("/echo?last:"));
    EXPECT_EQ(count(all, "Connection: close"), 1U);
    EXPECT_EQ(count(all, "Date: "), 5U);
  });
}

TEST_F(HttpServer, ReadsAheadWithinItsBoundWhileAnAnswerIsUnderWay) {
  bounds_.pipelined_bytes_max = 1000;
  run([&]() -> Task<void> {
    auto peer = co_await Peer::tcp(loop_, port_);
    co_await peer.say(get("/held"));
    co_await came_;
    std::string many;
    for (int i = 0; i < 500; ++i) many += get("/echo?" + std::to_string(i));
    co_await peer.say(many);
    release_();
    EXPECT_TRUE(co_await peer.hears("/echo?499:"));
    EXPECT_EQ(handled_, 501);
    EXPECT_FALSE(gone_);
  });
}

TEST_F(HttpServer, SendsNoBodyWhereThereIsNone) {
  run([&]() -> Task<void> {
    auto peer = co_await Peer::tcp(loop_, port_);
    const auto head = [](std::string_view path) {
      return "HEAD " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n";
    };
    co_await peer.say(head("/echo") + head("/stream") + get("/unchanged") + get("/nothing") +
                      get("/echo?end", close_line));
    const std::string all = co_await peer.all();
    EXPECT_TRUE(all.contains("Content-Length: 6\r\n\r\nHTTP/1.1 200")) << all;
    EXPECT_TRUE(all.contains("Transfer-Encoding: chunked\r\n\r\nHTTP/1.1 304")) << all;
    EXPECT_TRUE(all.contains("ETag: x\r\n\r\nHTTP/1.1 204")) << all;
    EXPECT_FALSE(all.contains("never sent"));
  });
}

TEST_F(HttpServer, AnErrorAfterAHeadRequestHasItsBody) {
  run([&]() -> Task<void> {
    auto peer = co_await Peer::tcp(loop_, port_);
    co_await peer.say("HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n");
    const std::string all = co_await peer.all();
    EXPECT_TRUE(all.contains("HTTP/1.1 400 Bad Request\r\n")) << all;
    EXPECT_TRUE(all.contains("\r\n\r\n400 the request is not valid HTTP")) << all;
  });
}

TEST_F(HttpServer, GivesAnHttp10ClientAnAnswerThatEndsWithTheConnection) {
  run([&]() -> Task<void> {
    for (const char* keep : {"", "Connection: keep-alive\r\n"}) {
      auto peer = co_await Peer::tcp(loop_, port_);
      co_await peer.say("GET /stream HTTP/1.0\r\n" + std::string(keep) + "\r\n");
      const std::string all = co_await peer.all();
      EXPECT_TRUE(all.ends_with("\r\n\r\nonetwo")) << all;
      EXPECT_FALSE(all.contains("chunked"));
      auto other = co_await Peer::tcp(loop_, port_);
      co_await other.say("GET /echo HTTP/1.0\r\n" + std::string(keep) + "\r\n");
      EXPECT_TRUE((co_await other.all()).contains("Connection: close\r\n"));
    }
  });
}

TEST_F(HttpServer, ABrokenAnswerNeverLooksWhole) {
  run([&]() -> Task<void> {
    auto torn = co_await Peer::tcp(loop_, port_);
    co_await torn.say(get("/torn") + get("/echo"));
    const std::string all = co_await torn.all();
    EXPECT_TRUE(all.contains("half"));
    EXPECT_FALSE(all.contains("0\r\n\r\n"));
    auto silent = co_await Peer::tcp(loop_, port_);
    co_await silent.say(get("/silent"));
    EXPECT_EQ(co_await silent.all(), "");
  });
}

TEST_F(HttpServer, SaysContinueToAClientThatWaitsForIt) {
  run([&]() -> Task<void> {
    auto peer = co_await Peer::tcp(loop_, port_);
    co_await peer.say("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_TRUE(co_await peer.hears("HTTP/1.1 100 Continue\r\n\r\n"));
    co_await peer.say("hi");
    EXPECT_TRUE(co_await peer.hears("/echo:hi"));
    co_await peer.say("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nho");
    EXPECT_TRUE(co_await peer.hears("/echo:ho"));
    EXPECT_EQ(count(peer.got, "100 Continue"), 1U);
  });
}

TEST_F(HttpServer, RefusesWithoutReadingAndTheClientSeesWhy) {
  bounds_.request.body_bytes_max = 1000;
  run([&]() -> Task<void> {
    auto peer = co_await Peer::tcp(loop_, port_);
    co_await peer.say("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n");
    co_await peer.say(std::string(1'000'000, 'x'));  // still sending, and more than fits anywhere
    const std::string all = co_await peer.all();
    EXPECT_TRUE(all.starts_with("HTTP/1.1 413 Content Too Large\r\n")) << all.substr(0, 100);
    EXPECT_TRUE(all.contains("Connection: close\r\n"));
    EXPECT_TRUE(all.ends_with("413 the body is too large"));
    EXPECT_EQ(handled_, 0);
    peer.hang_up();
    co_await net::turns_until(loop_, [&] { return server_->connections() == 0; });
  });
}

TEST_F(HttpServer, RefusesAWrongKeyBeforeItReadsTheBody) {
  run([&]() -> Task<void> {
    const auto post = [](const char* key, const char* more, std::string body) {
      return "POST /echo HTTP/1.1\r\nHost: x\r\nAuthorization: " + std::string(key) + "\r\n" + more +
             "Content-Length: 8000000\r\n\r\n" + std::move(body);
    };
    auto waits = co_await Peer::tcp(loop_, port_);
    co_await waits.say(post("wrong", "Expect: 100-continue\r\n", ""));
    const std::string all = co_await waits.all();
    EXPECT_TRUE(all.starts_with("HTTP/1.1 401 Unauthorized\r\n")) << all;
    EXPECT_TRUE(all.contains("Connection: close\r\n"));
    EXPECT_TRUE(all.ends_with("who are you?"));
    auto sends = co_await Peer::tcp(loop_, port_);
    co_await sends.say(post("wrong", "", std::string(500'000, 'x')));  // is not reset before it has seen why
    EXPECT_TRUE((co_await sends.all()).ends_with("who are you?"));
    EXPECT_EQ(handled_, 0);
    EXPECT_EQ(asked_, 2);
    auto right = co_await Peer::tcp(loop_, port_);
    co_await right.say(post("right", "", std::string(1'000'000, 'x')));
    co_await right.say(std::string(7'000'000, 'y') + get("/echo?next"));
    EXPECT_TRUE(co_await right.hears("/echo?next:"));
    EXPECT_EQ(handled_, 2);
    EXPECT_EQ(asked_, 3) << "once, and not at all where the request came whole";
  });
}

TEST_F(HttpServer, SeesAClientHangUpWhileItsHandlerWaits) {
  run([&]() -> Task<void> {
    for (const bool half : {false, true}) {
      gone_ = false;
      auto peer = co_await Peer::tcp(loop_, port_);
      co_await peer.say(get("/held"));
      co_await came_;
      half ? peer.half_close() : peer.hang_up();
      co_await net::turns_until(loop_, [&] { return gone_; });
      co_await net::turns_until(loop_, [&] { return server_->connections() == 0; });
    }
  });
}

TEST_F(HttpServer, SeesItThroughPipelinedBytesToo) {
  run([&]() -> Task<void> {
    auto peer = co_await Peer::tcp(loop_, port_);
    co_await peer.say(get("/held") + get("/echo") + get("/echo"));
    co_await came_;
    peer.hang_up();
    co_await net::turns_until(loop_, [&] { return server_->connections() == 0; });
    EXPECT_TRUE(gone_);
    EXPECT_EQ(handled_, 1);
  });
}

TEST_F(HttpServer, EndsIdleConnectionsWithoutAWord) {
  bounds_.idle_max = 20ms;
  run([&]() -> Task<void> {
    auto silent = co_await Peer::tcp(loop_, port_);
    EXPECT_EQ(co_await silent.all(), "");
    auto once = co_await Peer::tcp(loop_, port_);
    co_await once.say(get("/echo"));
    EXPECT_TRUE((co_await once.all()).ends_with("/echo:"));
  });
}

TEST_F(HttpServer, SaysThatARequestDidNotArriveInTime) {
  bounds_.head_max = bounds_.body_max = 20ms;
  run([&]() -> Task<void> {
    for (const char* part : {"GET / HT", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nx"}) {
      auto peer = co_await Peer::tcp(loop_, port_);
      co_await peer.say(part);
      EXPECT_TRUE((co_await peer.all()).starts_with("HTTP/1.1 408 Request Timeout\r\n")) << part;
    }
    auto trickles = co_await Peer::tcp(loop_, port_);  // bytes alone do not move the deadline
    net::Timer drip(loop_, [&] {
      trickles.stream().try_write("x");
      drip.arm(5ms);
    });
    drip.arm(1ms);
    co_await trickles.say("GET /");
    EXPECT_TRUE(co_await trickles.hears("408"));
    drip.cancel();
  });
}

// Invariant: everything bounded
TEST_F(HttpServer, ASlowReaderIsHeldToItsBoundAndCutOffAndNobodyElseSuffers) {
  bounds_.unsent_bytes_max = 256 * 1024;
  bounds_.write_stall_max = 100ms;
  run([&]() -> Task<void> {
    auto slow = co_await Peer::tcp(loop_, port_);
    co_await slow.say(get("/flood"));
    co_await came_;
    EXPECT_TRUE(congested_);
    auto other = co_await Peer::tcp(loop_, port_);
    co_await other.say(get("/echo"));
    EXPECT_TRUE(co_await other.hears("/echo:"));
    co_await came_;
    EXPECT_EQ(flooded_, false);
    co_await net::turns_until(loop_, [&] { return server_->connections() == 1; });
  });
}

TEST_F(HttpServer, AReaderThatIsOnlyLateGetsEverything) {
  bounds_.unsent_bytes_max = 64 * 1024;
  run([&]() -> Task<void> {
    auto peer = co_await Peer::tcp(loop_, port_);
    co_await peer.say(get("/flood") + get("/big") + get("/echo?end", close_line));
    co_await came_;
    const std::string all = co_await peer.all();
    EXPECT_EQ(flooded_, true);
    EXPECT_TRUE(all.contains("0\r\n\r\nHTTP/1.1 200"));
    EXPECT_EQ(std::ranges::count(all, '#'), 8 * 1024 * 1024);
    EXPECT_TRUE(all.ends_with("/echo?end:"));
  });
}

TEST_F(HttpServer, BoundsWhatAllBodiesHoldTogether) {
  bounds_.buffered_bytes_max = 512 * 1024;
  run([&]() -> Task<void> {
    const std::string head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    auto hoards = co_await Peer::tcp(loop_, port_);
    co_await hoards.say(head + std::string(200'000, 'x'));
    auto one_more = co_await Peer::tcp(loop_, port_);
    co_await one_more.say(head + std::string(400'000, 'x'));
    EXPECT_TRUE(co_await one_more.hears("503"));
    co_await hoards.say(std::string(250'000, 'x'));
    auto small = co_await Peer::tcp(loop_, port_);
    co_await small.say(get("/echo"));
    EXPECT_TRUE(co_await small.hears("/echo:")) << "what needs little is served all the same";
    hoards.hang_up();
    one_more.hang_up();
    co_await net::turns_until(loop_, [&] { return server_->connections() == 1; });
  });
}

TEST_F(HttpServer, RefusesConnectionsOverItsBound) {
  bounds_.connections_max = 2;
  run([&]() -> Task<void> {
    auto one = co_await Peer::tcp(loop_, port_);
    auto two = co_await Peer::tcp(loop_, port_);
    co_await one.say(get("/echo"));
    EXPECT_TRUE(co_await one.hears("/echo:"));
    auto three = co_await Peer::tcp(loop_, port_);
    const std::string all = co_await three.all();
    EXPECT_TRUE(all.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    EXPECT_TRUE(all.contains("x-request-id: req_1\r\n"));
    EXPECT_EQ(server_->refused_connections(), 1U);
    one.hang_up();
    co_await net::turns_until(loop_, [&] { return server_->connections() < 2; });
    auto four = co_await Peer::tcp(loop_, port_);
    co_await four.say(get("/echo"));
    EXPECT_TRUE(co_await four.hears("/echo:"));
  });
}

TEST_F(HttpServer, LetsItsOwnerInHoweverCrowdedItIs) {
  bounds_.connections_max = 1;
  std::string folder = (std::filesystem::temp_directory_path() / "faelled-http-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  start();
  server_->serve_owner(net::Listener::unix_socket(loop_, folder + "/s").value());
  const auto body = [&]() -> Task<void> {
    auto one = co_await Peer::tcp(loop_, port_);
    co_await one.say(get("/echo"));
    EXPECT_TRUE(co_await one.hears("/echo:"));
    Peer owner((co_await net::connect_unix(loop_, folder + "/s", 1s)).value());
    co_await owner.say(get("/echo?owner", close_line));
    EXPECT_TRUE((co_await owner.all()).ends_with("/echo?owner:"));
  };
  net::run(loop_, body());
  std::filesystem::remove_all(folder);
}

TEST_F(HttpServer, DrainsIdleOnesAtOnceAndLetsRunningOnesFinish) {
  run([&]() -> Task<void> {
    auto idle = co_await Peer::tcp(loop_, port_);
    co_await idle.say(get("/echo"));
    EXPECT_TRUE(co_await idle.hears("/echo:"));
    auto running = co_await Peer::tcp(loop_, port_);
    co_await running.say(get("/held"));
    co_await came_;
    bool drained = false;
    net::Event over;
    const auto drain = [&]() -> Task<void> {
      co_await server_->drain(10s);
      drained = true;
      over.set();
    };
    loop_.spawn(drain());
    EXPECT_FALSE(co_await idle.more());
    EXPECT_FALSE(drained);
    auto late = co_await net::connect_tcp(loop_, "127.0.0.1", port_, 1s);
    EXPECT_FALSE(late);
    release_();
    const std::string all = co_await running.all();
    EXPECT_TRUE(all.contains("Connection: close\r\n"));
    EXPECT_TRUE(all.ends_with("late"));
    co_await over;
    EXPECT_TRUE(drained);
  });
}

TEST_F(HttpServer, CutsOffWhatIsNotDrainedInTime) {
  run([&]() -> Task<void> {
    auto running = co_await Peer::tcp(loop_, port_);
    co_await running.say(get("/held"));
    auto half = co_await Peer::tcp(loop_, port_);
    co_await half.say("GET / HT");
    auto slow = co_await Peer::tcp(loop_, port_);
    co_await slow.say(get("/flood"));
    co_await net::turns_until(loop_, [&] { return held_ != nullptr && congested_; });
    co_await server_->drain(10ms);
    EXPECT_TRUE(gone_);
    EXPECT_EQ(server_->connections(), 0U);
    EXPECT_EQ(co_await running.all(), "");
  });
}

TEST_F(HttpServer, KnowsItsOwnerBySocket) {
  std::string folder = (std::filesystem::temp_directory_path() / "faelled-http-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  start();
  Server owners(
      loop_, bounds_,
      [](const Request&, Reply& reply) -> Task<void> {
        reply.send(200, "", std::string(reply.from_owner() ? "owner " : "anybody ") + reply.peer());
        co_return;
      },
      [](int, std::string_view) { return std::string(); });
  owners.serve_owner(net::Listener::unix_socket(loop_, folder + "/s").value());
  const auto body = [&]() -> Task<void> {
    Peer peer((co_await net::connect_unix(loop_, folder + "/s", 1s)).value());
    co_await peer.say(get("/", close_line));
    EXPECT_TRUE((co_await peer.all()).ends_with("owner unix"));
    co_await owners.drain(0ms);
  };
  net::run(loop_, body());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace faelled::http
