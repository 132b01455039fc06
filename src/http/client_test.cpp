#include "http/client.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <thread>

#include "net/event.hpp"
#include "net/testing.hpp"

namespace faelled::http {
namespace {

using net::Peer;
using net::Task;

// An engine whose every word the test says: a listener that hands out its connections one by one.
class Engine {
 public:
  Engine(net::Loop& loop, const std::string& path) : listener_(net::Listener::unix_socket(loop, path).value()) {
    listener_.start([this](net::Stream stream) {
      line_.emplace_back(std::move(stream));
      ++connections;
      came_.set();
    });
  }
  Task<Peer> next() {
    while (line_.empty()) co_await came_;
    Peer peer = std::move(line_.front());
    line_.pop_front();
    co_return peer;
  }
  int connections = 0;

 private:
  net::Listener listener_;
  std::deque<Peer> line_;
  net::Event came_;
};

class HttpClient : public ::testing::Test {
 protected:
  HttpClient() : folder_((std::filesystem::temp_directory_path() / "faelled-client-XXXXXX").string()) {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    engine_ = std::make_unique<Engine>(loop_, folder_ + "/engine");
    address_.unix_path = folder_ + "/engine";
  }
  ~HttpClient() override { std::filesystem::remove_all(folder_); }
  void run(const std::function<Task<void>()>& body) { net::run(loop_, body()); }

  // The engine's side of one request: hears it, answers `bytes`.
  static Task<void> serve(Peer& peer, std::string bytes) {
    peer.got.clear();
    EXPECT_TRUE(co_await peer.hears("\r\n\r\n"));
    co_await peer.say(std::move(bytes));
  }
  Task<Expected<std::string>> exchange(Peer& peer, std::string answer) {
    auto exchange = client_->open(address_);
    auto sent = co_await exchange.send("GET", "/x", "", "");
    EXPECT_TRUE(sent);
    co_await serve(peer, std::move(answer));
    auto status = co_await exchange.head();
    if (!status) co_return std::unexpected(status.error());
    co_return co_await exchange.read_all(10'000);
  }

  net::Loop loop_;
  std::string folder_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Client> client_ = std::make_unique<Client>(loop_);
  Address address_;
};

const std::string hello = "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello";

TEST_F(HttpClient, SendsTheRequestWholeAndReadsTheAnswer) {
  run([&]() -> Task<void> {
    auto exchange = client_->open(address_);
    EXPECT_TRUE(co_await exchange.send("POST", "/v1/x", "A: b\r\n", "body"));
    auto engine = co_await engine_->next();
    EXPECT_TRUE(co_await engine.hears("body"));
    EXPECT_EQ(engine.got, "POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nA: b\r\n\r\nbody");
    co_await engine.say("HTTP/1.1 100 Continue\r\n\r\n" + hello);
    EXPECT_EQ(co_await exchange.head(), 200);
    EXPECT_EQ(exchange.header("content-type"), "a/b");
    std::string body;
    EXPECT_EQ(co_await exchange.read(body), true);
    EXPECT_EQ(body, "hello");
    EXPECT_EQ(co_await exchange.read(body), false);
    EXPECT_TRUE(exchange.settle());
  });
}

TEST_F(HttpClient, NamesAnAddressWithColonsInBrackets) {
  run([&]() -> Task<void> {
    auto listener = net::Listener::tcp(loop_, "127.0.0.1", 0).value();
    std::optional<Peer> engine;
    listener.start([&](net::Stream stream) { engine.emplace(std::move(stream)); });
    auto exchange = client_->open({.host = "::ffff:127.0.0.1", .port = listener.port()});
    const auto sent = co_await exchange.send("GET", "/", "", "");
    EXPECT_TRUE(sent) << sent.error().message;
    co_await net::turns_until(loop_, [&] { return engine.has_value(); });
    EXPECT_TRUE(co_await engine->hears("\r\n\r\n"));
    EXPECT_TRUE(engine->got.contains("\r\nHost: [::ffff:127.0.0.1]:" + std::to_string(listener.port()) + "\r\n"))
        << engine->got;
  });
}

TEST_F(HttpClient, UsesAConnectionAgainAfterAWholeAnswerOnly) {
  run([&]() -> Task<void> {
    std::optional<Peer> engine;
    const auto first = [&]() -> Task<void> {
      auto exchange = client_->open(address_);
      EXPECT_TRUE(co_await exchange.send("GET", "/1", "", ""));
      engine.emplace(co_await engine_->next());
      co_await serve(*engine, hello);
      EXPECT_EQ(co_await exchange.head(), 200);
      EXPECT_EQ((co_await exchange.read_all(10)).value(), "hello");
    };
    co_await first();
    EXPECT_EQ((co_await exchange(*engine, hello)).value(), "hello");
    EXPECT_EQ((co_await exchange(*engine, "HTTP/1.1 204 No Content\r\n\r\n")).value(), "");
    EXPECT_EQ(engine_->connections, 1);
    EXPECT_EQ(
        (co_await exchange(*engine, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")).value(),
        "x");
    EXPECT_FALSE(co_await engine->more()) << "not kept";
    {
      auto dropped = client_->open(address_);
      EXPECT_TRUE(co_await dropped.send("GET", "/2", "", ""));
      engine.emplace(co_await engine_->next());
      co_await serve(*engine, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
      EXPECT_EQ(co_await dropped.head(), 200);
    }
    EXPECT_FALSE(co_await engine->more()) << "dropping an exchange tells the engine";
    EXPECT_EQ(engine_->connections, 2);
  });
}

TEST_F(HttpClient, ReplacesAnIdleConnectionThatTheEngineClosedMeanwhile) {
  run([&]() -> Task<void> {
    for (const bool before_sending : {true, false}) {
      client_->forget(address_);
      std::optional<Peer> engine;
      {
        auto exchange = client_->open(address_);
        EXPECT_TRUE(co_await exchange.send("GET", "/1", "", ""));
        engine.emplace(co_await engine_->next());
        co_await serve(*engine, hello);
        EXPECT_EQ(co_await exchange.head(), 200);
        EXPECT_TRUE(co_await exchange.read_all(10));
      }
      if (before_sending) engine->hang_up();
      auto again = client_->open(address_);
      EXPECT_TRUE(co_await again.send("POST", "/2", "", "body"));
      if (!before_sending) {
        engine->got.clear();
        EXPECT_TRUE(co_await engine->hears("body"));
        engine->hang_up();
      }
      const auto answer = [&]() -> Task<void> {
        engine.emplace(co_await engine_->next());
        EXPECT_TRUE(co_await engine->hears("POST /2"));
        EXPECT_TRUE(co_await engine->hears("body"));
        co_await engine->say(hello);
      };
      loop_.spawn(answer());
      EXPECT_EQ(co_await again.head(), 200);
      EXPECT_EQ((co_await again.read_all(10)).value(), "hello");
    }
  });
}

TEST_F(HttpClient, ReplacesItOnlyOnce) {
  run([&]() -> Task<void> {
    std::optional<Peer> engine;
    {
      auto exchange = client_->open(address_);
      EXPECT_TRUE(co_await exchange.send("GET", "/1", "", ""));
      engine.emplace(co_await engine_->next());
      co_await serve(*engine, hello);
      EXPECT_EQ(co_await exchange.head(), 200);
      EXPECT_TRUE(co_await exchange.read_all(10));
    }
    engine->hang_up();
    auto again = client_->open(address_);
    EXPECT_TRUE(co_await again.send("GET", "/2", "", ""));
    const auto hang_up = [&]() -> Task<void> {
      engine.emplace(co_await engine_->next());
      EXPECT_TRUE(co_await engine->hears("\r\n\r\n"));
      engine->hang_up();
    };
    loop_.spawn(hang_up());
    auto status = co_await again.head();
    EXPECT_EQ(status.error().code, Errc::unavailable);
    EXPECT_EQ(engine_->connections, 2);
  });
}

TEST_F(HttpClient, NobodyListening) {
  run([&]() -> Task<void> {
    Address nowhere{folder_ + "/nobody"};
    auto exchange = client_->open(nowhere);
    auto sent = co_await exchange.send("GET", "/", "", "");
    EXPECT_EQ(sent.error().code, Errc::unavailable);
    auto status = co_await exchange.head();
    EXPECT_FALSE(status);
  });
}

TEST_F(HttpClient, TellsAnAnswerBrokenOffFromOneThatEndsByClosing) {
  run([&]() -> Task<void> {
    const auto answer = [&](std::string bytes) -> Task<Expected<std::string>> {
      auto exchange = client_->open(address_);
      EXPECT_TRUE(co_await exchange.send("GET", "/", "", ""));
      auto engine = co_await engine_->next();
      co_await serve(engine, std::move(bytes));
      engine.hang_up();
      auto status = co_await exchange.head();
      if (!status) co_return std::unexpected(status.error());
      co_return co_await exchange.read_all(10'000);
    };
    EXPECT_EQ((co_await answer("HTTP/1.1 200 OK\r\n\r\nto the end")).value(), "to the end");
    auto part = co_await answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
    EXPECT_EQ(part.error().code, Errc::unavailable);
    EXPECT_TRUE(part.error().message.contains("middle"));
    auto chunk = co_await answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n");
    EXPECT_EQ(chunk.error().code, Errc::unavailable);
    auto half_head = co_await answer("HTTP/1.1 200 OK\r\nContent-");
    EXPECT_EQ(half_head.error().code, Errc::unavailable);
    auto nothing = co_await answer("");
    EXPECT_TRUE(nothing.error().message.contains("without an answer"));
    auto other = co_await answer("SSH-2.0-x\r\n");
    EXPECT_EQ(other.error().code, Errc::io);
    auto huge = co_await answer("HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'a') + "\r\n\r\n");
    EXPECT_EQ(huge.error().code, Errc::io);
    auto large = co_await answer("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + std::string(20'000, 'x'));
    EXPECT_EQ(large.error().code, Errc::too_large);
  });
}

// An engine with threads of its own that write faster than anybody reads.
class Flood {
 public:
  Flood(const std::string& path, std::size_t bytes) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(socket_, 1), 0);
    thread_ = std::thread([this, bytes] { flow(bytes); });
  }
  ~Flood() {
    thread_.join();
    ::close(socket_);
  }
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;

 private:
  void flow(std::size_t bytes) const {
    const int to = ::accept(socket_, nullptr, nullptr);
    char request[1024];
    [[maybe_unused]] const auto heard = ::recv(to, request, sizeof request, 0);
    const std::string head = "HTTP/1.1 200 OK\r\n\r\n", block(128 * 1024, 'x');
    ::send(to, head.data(), head.size(), MSG_NOSIGNAL);
    const auto write = [&] {
      for (std::size_t sent = 0; sent < bytes / 2; sent += block.size())
        if (::send(to, block.data(), block.size(), MSG_NOSIGNAL) < 0) return;
    };
    std::thread other(write);
    write();
    other.join();
    ::close(to);
  }

  int socket_;
  std::thread thread_;
};

TEST_F(HttpClient, ReadsSoMuchAtOnceOfAnEngineThatNeverPauses) {
  constexpr std::size_t mib = 1024 * 1024, all = 64 * mib;
  const Flood flood(folder_ + "/flood", all);
  run([&]() -> Task<void> {
    auto exchange = client_->open({.unix_path = folder_ + "/flood"});
    EXPECT_TRUE(co_await exchange.send("GET", "/", "", ""));
    EXPECT_EQ(co_await exchange.head(), 200);
    std::size_t most = 0, sum = 0;
    std::string body;
    while ((co_await exchange.read(body)).value_or(false)) {
      most = std::max(most, body.size());
      sum += std::exchange(body, {}).size();
    }
    EXPECT_LE(most, 2 * mib);
    EXPECT_EQ(sum, all);
  });
}

TEST_F(HttpClient, ReadingOnAfterTheEndDoesNotWait) {
  run([&]() -> Task<void> {
    auto exchange = client_->open(address_);
    EXPECT_TRUE(co_await exchange.send("GET", "/", "", ""));
    auto engine = co_await engine_->next();
    co_await serve(engine, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
    engine.hang_up();
    EXPECT_EQ(co_await exchange.head(), 200);
    for (int again = 0; again < 3; ++again) {
      auto rest = co_await exchange.read_all(1000);
      EXPECT_EQ(rest.error().code, Errc::unavailable);
    }
  });
}

TEST_F(HttpClient, CancelEndsWhateverIsUnderWay) {
  enum class Phase { before, sending, head, body };
  run([&]() -> Task<void> {
    for (const Phase phase : {Phase::before, Phase::sending, Phase::head, Phase::body}) {
      auto exchange = client_->open(address_);
      if (phase == Phase::before) {
        exchange.cancel();
        auto sent = co_await exchange.send("GET", "/", "", "");
        EXPECT_EQ(sent.error().code, Errc::cancelled);
        continue;
      }
      if (phase == Phase::sending) {
        loop_.post([&] { exchange.cancel(); });
        auto sent = co_await exchange.send("POST", "/", "", std::string(8'000'000, 'x'));  // more than the socket takes
        EXPECT_EQ(sent.error().code, Errc::cancelled);
        auto engine = co_await engine_->next();
        co_await engine.all();
        continue;
      }
      EXPECT_TRUE(co_await exchange.send("GET", "/", "", ""));
      auto engine = co_await engine_->next();
      if (phase == Phase::head) {
        loop_.post([&] { exchange.cancel(); });
        auto status = co_await exchange.head();
        EXPECT_EQ(status.error().code, Errc::cancelled);
      } else {
        co_await serve(engine, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
        EXPECT_EQ(co_await exchange.head(), 200);
        loop_.post([&] { exchange.cancel(); });
        auto rest = co_await exchange.read_all(1000);
        EXPECT_EQ(rest.error().code, Errc::cancelled);
        exchange.cancel();
        std::string more;
        auto again = co_await exchange.read(more);
        EXPECT_EQ(again.error().code, Errc::cancelled);
      }
      co_await engine.all();  // sees the end without the exchange being dropped
    }
  });
}

TEST_F(HttpClient, AsksWithinOneDeadline) {
  run([&]() -> Task<void> {
    net::Event over;
    const auto engine_side = [&]() -> Task<void> {
      auto engine = co_await engine_->next();
      co_await serve(engine, hello);
      co_await serve(engine, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
      EXPECT_FALSE(co_await engine.more());
      over.set();
    };
    loop_.spawn(engine_side());
    auto answer = co_await client_->ask(address_, "GET", "/health", "", "", 5s, 100);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "hello");
    auto late = co_await client_->ask(address_, "GET", "/health", "", "", 20ms, 100);
    EXPECT_EQ(late.error().code, Errc::timeout);
    co_await over;
  });
}

TEST_F(HttpClient, AnExchangeMayOutliveItsClient) {
  run([&]() -> Task<void> {
    auto exchange = client_->open(address_);
    EXPECT_TRUE(co_await exchange.send("GET", "/", "", ""));
    auto engine = co_await engine_->next();
    client_.reset();
    co_await serve(engine, hello);
    EXPECT_EQ(co_await exchange.head(), 200);
    EXPECT_EQ((co_await exchange.read_all(10)).value(), "hello");
  });
}

TEST_F(HttpClient, ForgetsAnEngineThatIsGone) {
  run([&]() -> Task<void> {
    auto exchange = client_->open(address_);
    EXPECT_TRUE(co_await exchange.send("GET", "/", "", ""));
    auto engine = co_await engine_->next();
    co_await serve(engine, hello);
    EXPECT_EQ(co_await exchange.head(), 200);
    EXPECT_TRUE(co_await exchange.read_all(10));
    client_->forget(address_);
    EXPECT_FALSE(co_await engine.more());
  });
}

// One descriptor was left behind by every engine that ended: it was asked under another host name than it was
// forgotten.
TEST_F(HttpClient, ForgetsAnEngineByItsSocketUnderAnyName) {
  run([&]() -> Task<void> {
    Address named = address_;
    named.host = "engine";
    named.port = 80;
    auto exchange = client_->open(named);
    EXPECT_TRUE(co_await exchange.send("GET", "/", "", ""));
    auto engine = co_await engine_->next();
    co_await serve(engine, hello);
    EXPECT_EQ(co_await exchange.head(), 200);
    EXPECT_TRUE(co_await exchange.read_all(10));
    client_->forget(address_);
    EXPECT_FALSE(co_await engine.more());
  });
}

}  // namespace
}  // namespace faelled::http
