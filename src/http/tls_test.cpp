// TLS from end to end on real sockets: our server, our client, and peers that misbehave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "crypto/certificates_testing.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "net/event.hpp"
#include "net/testing.hpp"

namespace faelled::http {
namespace {

using crypto::ClientCertificates;
using net::Peer;
using net::Task;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class HttpTls : public ::testing::Test {
 protected:
  HttpTls() : folder_((std::filesystem::temp_directory_path() / "faelled-tls-XXXXXX").string()) {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    use(authority_.issue());
  }
  ~HttpTls() override {
    if (server_) net::run(loop_, server_->drain(0ms));
    std::filesystem::remove_all(folder_);
  }

  void use(const crypto::IssuedCertificate& own, ClientCertificates ask = ClientCertificates::optional) {
    context_ = crypto::TlsContext::server({own.certificate, own.key, authority_.pem(), ask}).value();
  }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }

  void run(const std::function<Task<void>()>& body) {
    server_ = std::make_unique<Server>(
        loop_, bounds_, [this](const Request& request, Reply& reply) { return handle(request, reply); },
        [](int status, std::string_view message) { return std::to_string(status) + " " + std::string(message); });
    server_->on_handshake_refused([this](const std::string&, const std::string& why) { refused_.push_back(why); });
    auto listener = net::Listener::tcp(loop_, "127.0.0.1", 0).value();
    port_ = listener.port();
    server_->serve_tls(std::move(listener), [this] { return context_; });
    net::run(loop_, body());
  }

  Task<void> handle(const Request& request, Reply& reply) {
    if (request.path == "/who") {
      const crypto::Certificate* who = reply.client_certificate();
      reply.send(200, "", (reply.secure() ? "secure " : "plain ") + (who ? who->common_name : std::string("nobody")));
    } else if (request.path == "/echo") {
      reply.send(200, "", request.body);
    } else if (request.path == "/torn") {
      reply.begin(200, "");
      reply.write("half");
      reply.abort();
    } else if (request.path == "/held") {
      net::Event done;
      reply.begin(200, "");
      reply.write("first");
      reply.flush();
      release_ = [&done] { done.set(); };
      reply.on_gone([&] {
        gone_ = true;
        done.set();
      });
      co_await done;
      reply.write("last");
      reply.finish();
    }
  }

  // A peer that has shaken hands.
  Task<Peer> shaken(const crypto::IssuedCertificate& own = {}) {
    auto stream = co_await net::connect_tcp(loop_, "127.0.0.1", port_, net::test_patience);
    Peer peer(std::move(*stream));
    const auto context = crypto::TlsContext::client({authority_.pem(), own.certificate, own.key}).value();
    const auto open =
        co_await peer.stream().start_tls(loop_, crypto::TlsSession::connect(context, "localhost"), net::test_patience);
    EXPECT_TRUE(open) << open.error().message;
    co_return peer;
  }
  Address address(std::string ca) const { return {"", "localhost", port_, true, {std::move(ca), "", ""}}; }
  Task<Expected<Client::Answer>> ask(Client& client, Address to, std::string target = "/who", std::string body = "") {
    co_return co_await client.ask(std::move(to), "POST", std::move(target), "", std::move(body), net::test_patience,
                                  64 * 1024 * 1024);
  }

  net::Loop loop_;
  std::string folder_;
  crypto::TestAuthority authority_;
  std::shared_ptr<const crypto::TlsContext> context_;
  ServerBounds bounds_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  std::vector<std::string> refused_;
  std::function<void()> release_;
  bool gone_ = false;
};

std::string get(std::string_view path) { return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n"; }

TEST_F(HttpTls, CarriesRequestsAndAnswersOfAnySize) {
  run([&]() -> Task<void> {
    Client client(loop_);
    const std::string ca = file("ca.pem", authority_.pem());
    for (const std::size_t size : {0UL, 1UL, 16'383UL, 16'384UL, 16'385UL, 7'000'000UL}) {
      std::string body(size, 'x');
      for (std::size_t i = 0; i < size; i += 7) body[i] = static_cast<char>('a' + i % 26);
      const auto answer = co_await ask(client, address(ca), "/echo", body);
      EXPECT_TRUE(answer) << answer.error().message;
      if (answer) EXPECT_TRUE(answer->body == body) << size;
    }
    EXPECT_EQ(server_->connections(), 1U) << "one handshake for all";
    EXPECT_EQ(server_->handshakes_refused(), 0U);
  });
}

TEST_F(HttpTls, TellsTheHandlerWhoAsksAndNoHeaderDoes) {
  run([&]() -> Task<void> {
    const auto own = authority_.issue({"front.example", ""});
    Client client(loop_);
    Address named = address(file("ca.pem", authority_.pem()));
    EXPECT_EQ((co_await ask(client, named)).value().body, "secure nobody");
    named.files.certificate = file("own.pem", own.certificate);
    named.files.key = file("own.key", own.key);
    EXPECT_EQ((co_await ask(client, named)).value().body, "secure front.example");
    auto peer = co_await shaken();
    co_await peer.say(
        "GET /who HTTP/1.1\r\nHost: x\r\nX-Client-Cert: front.example\r\nX-SSL-Client-S-DN: CN=front\r\n\r\n");
    EXPECT_TRUE(co_await peer.hears("secure nobody"));
  });
}

// What a request said is not there any more while it comes, nor once it is answered.
TEST_F(HttpTls, RefusesWhatDoesNotComeWholeWithoutALookAtBytesThatAreGone) {
  bounds_.body_max = bounds_.head_max = 3s;  // far more than what comes whole takes
  run([&]() -> Task<void> {
    server_->admit_by([](const Request&, Reply&) { return true; });
    auto slow = co_await shaken();
    co_await slow.say("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nbeginning");
    co_await slow.say(std::string(200'000, 'x'));
    EXPECT_TRUE((co_await slow.all()).starts_with("HTTP/1.1 408 ")) << slow.got;
    EXPECT_FALSE(slow.got.contains("Strict-Transport-Security"));
    for (const std::string& second : {std::string("\x01\x02\r\n\r\n"), std::string("GET /who HTTP/1.1\r\nHost")}) {
      auto odd = co_await shaken();
      const std::string body(300'000, 'x');
      co_await odd.say("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                       "\r\n\r\n" + body);
      EXPECT_TRUE(co_await odd.hears("\r\n\r\n" + body)) << odd.got.substr(0, 300);
      odd.got.clear();
      co_await odd.say(second);
      EXPECT_TRUE((co_await odd.all()).starts_with("HTTP/1.1 40")) << odd.got;
      EXPECT_FALSE(odd.got.contains("Strict-Transport-Security"));
    }
  });
}

TEST_F(HttpTls, RefusesAClientOfAnotherAuthority) {
  run([&]() -> Task<void> {
    const crypto::TestAuthority stranger;
    const auto own = stranger.issue({"front.example", ""});
    Client client(loop_);
    Address named = address(file("ca.pem", authority_.pem()));
    named.files.certificate = file("own.pem", own.certificate);
    named.files.key = file("own.key", own.key);
    const std::string where = "no TLS with localhost:" + std::to_string(port_) + ": ";
    const auto refused = co_await ask(client, named);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unavailable);
    EXPECT_THAT(refused.error().message, testing::StartsWith(where));
    EXPECT_THAT(refused.error().message, HasSubstr("alert"));
    EXPECT_THAT(refused_, ElementsAre(HasSubstr("not trusted here")));
    EXPECT_EQ(server_->handshakes_refused(), 1U);
    use(authority_.issue(), ClientCertificates::required);
    const auto anonymous = co_await ask(client, address(named.files.ca));
    EXPECT_FALSE(anonymous);
    EXPECT_THAT(anonymous.error().message, testing::StartsWith(where));
    EXPECT_THAT(anonymous.error().message, HasSubstr("certificate required"));
  });
}

TEST_F(HttpTls, SeesAHangUpWhileAnAnswerIsUnderWay) {
  run([&]() -> Task<void> {
    for (const bool half : {false, true}) {
      gone_ = false;
      auto peer = co_await shaken();
      co_await peer.say(get("/held"));
      EXPECT_TRUE(co_await peer.hears("first"));
      half ? peer.half_close() : peer.hang_up();
      co_await net::turns_until(loop_, [&] { return gone_ && server_->connections() == 0; });
    }
  });
}

TEST_F(HttpTls, SaysThatAnAnswerWasAllOnlyWhereItWas) {
  run([&]() -> Task<void> {
    for (const auto& [path, end] : {std::pair("/who", net::IoStatus::eof), std::pair("/torn", net::IoStatus::failed)}) {
      auto peer = co_await shaken();
      co_await peer.say("GET " + std::string(path) + " HTTP/1.0\r\n\r\n");
      EXPECT_TRUE(co_await peer.hears("\r\n\r\n"));
      char rest[100];
      net::IoResult read;
      do read = co_await peer.stream().read_some(rest);
      while (read.ok());
      EXPECT_EQ(read.status, end) << path;
    }
  });
}

TEST_F(HttpTls, BoundsTheTimeOfAHandshakeAndCountsIt) {
  bounds_.handshake_max = 20ms;
  run([&]() -> Task<void> {
    auto silent = co_await Peer::tcp(loop_, port_);
    auto half = co_await Peer::tcp(loop_, port_);
    co_await half.say(std::string("\x16\x03\x01\x02\x00\x01", 6));
    EXPECT_EQ(co_await silent.all(), "");
    EXPECT_EQ(co_await half.all(), "");
    EXPECT_THAT(refused_, ElementsAre(HasSubstr("too long"), HasSubstr("too long")));
    EXPECT_EQ(server_->connections(), 0U);
  });
}

TEST_F(HttpTls, TellsAPlainClientWhatItMissed) {
  run([&]() -> Task<void> {
    auto plain = co_await Peer::tcp(loop_, port_);
    co_await plain.say(get("/who"));
    EXPECT_THAT(co_await plain.all(), HasSubstr("begin it with https.\n"));
    auto noise = co_await Peer::tcp(loop_, port_);
    co_await noise.say(std::string(500, '\0'));
    co_await noise.all();
    auto gone = co_await Peer::tcp(loop_, port_);
    gone.hang_up();
    co_await net::turns_until(loop_, [&] { return server_->handshakes_refused() == 3; });
    EXPECT_THAT(refused_[0], HasSubstr("plain HTTP"));
    EXPECT_THAT(refused_[2], HasSubstr("hung up"));
  });
}

TEST_F(HttpTls, CountsHandshakesAmongTheConnections) {
  bounds_.connections_max = 2;
  run([&]() -> Task<void> {
    auto one = co_await Peer::tcp(loop_, port_);
    auto two = co_await Peer::tcp(loop_, port_);
    co_await net::turns_until(loop_, [&] { return server_->connections() == 2; });
    auto three = co_await Peer::tcp(loop_, port_);
    EXPECT_EQ(co_await three.all(), "");
    EXPECT_EQ(server_->refused_connections(), 1U);
    one.hang_up();
    co_await net::turns_until(loop_, [&] { return server_->connections() == 1; });
    auto four = co_await shaken();
    co_await four.say(get("/who"));
    EXPECT_TRUE(co_await four.hears("secure nobody"));
  });
}

TEST_F(HttpTls, TakesANewCertificateForNewConnectionsAndLeavesOldOnesTheirs) {
  run([&]() -> Task<void> {
    auto before = co_await shaken();
    co_await before.say(get("/held"));
    EXPECT_TRUE(co_await before.hears("first"));
    const auto renewed = authority_.issue({"renewed", "DNS:localhost"});
    use(renewed);
    auto after = co_await shaken();
    EXPECT_EQ(before.stream().peer_certificate()->common_name, "localhost");
    EXPECT_EQ(after.stream().peer_certificate()->common_name, "renewed");
    release_();
    EXPECT_TRUE(co_await before.hears("last"));
  });
}

TEST_F(HttpTls, DrainsHandshakesUnderWayToo) {
  run([&]() -> Task<void> {
    auto half = co_await Peer::tcp(loop_, port_);
    co_await net::turns_until(loop_, [&] { return server_->connections() == 1; });
    co_await server_->drain(1s);
    EXPECT_EQ(server_->connections(), 0U);
    EXPECT_EQ(co_await half.all(), "");
  });
}

TEST_F(HttpTls, TheAskingSideSaysWhatIsWrongWithAServer) {
  run([&]() -> Task<void> {
    Client client(loop_);
    const crypto::TestAuthority stranger;
    const auto why = [&](Address to) -> Task<std::string> {
      auto answer = co_await ask(client, std::move(to));
      EXPECT_FALSE(answer);
      co_return answer ? "" : answer.error().message;
    };
    const Address good = address(file("ca.pem", authority_.pem()));
    EXPECT_THAT(co_await why(address(file("other.pem", stranger.pem()))), HasSubstr("not trusted here"));
    EXPECT_THAT(co_await why(address("")), HasSubstr("not trusted here")) << "nor does the system know it";
    EXPECT_THAT(co_await why(address(folder_ + "/none.pem")), HasSubstr("none.pem cannot be read"));
    EXPECT_THAT(co_await why(address(file("key.pem", "nothing"))), HasSubstr("key.pem holds no certificate"));
    Address by_address = good;
    by_address.host = "127.0.0.2";
    use(authority_.issue({"x", "DNS:localhost,IP:127.0.0.1"}));
    EXPECT_THAT(co_await why(by_address), testing::AnyOf(HasSubstr("another name"), HasSubstr("cannot connect")));
    use(authority_.issue({"x", "DNS:elsewhere"}));
    EXPECT_THAT(co_await why(good), HasSubstr("another name"));
    use(authority_.issue({"x", "DNS:localhost", -std::chrono::hours(2), -std::chrono::hours(1)}));
    EXPECT_THAT(co_await why(good), HasSubstr("expired"));
    use(authority_.issue());
    EXPECT_EQ((co_await ask(client, good)).value().status, 200);
  });
}

TEST_F(HttpTls, TheAskingSideReadsItsAuthorityAgainWhenItsFileChanges) {
  run([&]() -> Task<void> {
    Client client(loop_);
    const crypto::TestAuthority next("Next authority");
    const Address to = address(file("ca.pem", authority_.pem()));
    EXPECT_TRUE(co_await ask(client, to));
    client.forget(to);
    use(next.issue());
    EXPECT_FALSE(co_await ask(client, to));
    file("ca.pem", next.pem() + authority_.pem());
    EXPECT_TRUE(co_await ask(client, to));
  });
}

TEST_F(HttpTls, TheAskingSideCanLoseInterestInTheMiddleOfAHandshake) {
  run([&]() -> Task<void> {
    auto listener = net::Listener::tcp(loop_, "127.0.0.1", 0).value();
    std::optional<net::Stream> silent;
    listener.start([&](net::Stream stream) { silent.emplace(std::move(stream)); });
    Client client(loop_);
    Address to = address(file("ca.pem", authority_.pem()));
    to.port = listener.port();
    auto exchange = client.open(to);
    std::optional<Errc> ended;
    const auto send = [&]() -> Task<void> {
      auto sent = co_await exchange.send("GET", "/", "", "");
      ended = sent ? Errc::internal : sent.error().code;
    };
    loop_.spawn(send());
    co_await net::turns_until(loop_, [&] { return silent.has_value(); });
    exchange.cancel();
    co_await net::turns_until(loop_, [&] { return ended.has_value(); });
    EXPECT_EQ(ended, Errc::cancelled);
    Client hasty(loop_, 20ms);
    const auto late = co_await ask(hasty, to);
    EXPECT_EQ(late.error().code, Errc::timeout);
    EXPECT_THAT(late.error().message, HasSubstr("too long"));
  });
}

TEST_F(HttpTls, AnAnswerCutShortOnTheWireIsNoAnswer) {
  run([&]() -> Task<void> {
    auto listener = net::Listener::tcp(loop_, "127.0.0.1", 0).value();
    bool whole = false;
    net::Event over;
    const auto serve = [&](net::Stream stream) -> Task<void> {
      EXPECT_TRUE(co_await stream.start_tls(loop_, crypto::TlsSession::accept(context_), net::test_patience));
      char request[2000];
      co_await stream.read_some(request);
      co_await stream.write_all("HTTP/1.1 200 OK\r\n\r\nuntil the end");
      stream.shutdown_write(whole);
      co_await over;
    };
    listener.start([&](net::Stream stream) { loop_.spawn(serve(std::move(stream))); });
    Client client(loop_);
    Address to = address(file("ca.pem", authority_.pem()));
    to.port = listener.port();
    EXPECT_FALSE(co_await ask(client, to));
    over.set();
    whole = true;
    EXPECT_EQ((co_await ask(client, to)).value().body, "until the end");
    over.set();
    co_await loop_.sleep(1ms);
  });
}

}  // namespace
}  // namespace faelled::http
