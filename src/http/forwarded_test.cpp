#include "http/forwarded.hpp"

#include <gtest/gtest.h>

#include "http/server.hpp"
#include "net/testing.hpp"

namespace faelled::http {
namespace {

class Forwarded : public ::testing::Test {
 protected:
  Forwarded() {
    EXPECT_TRUE(proxies.add_network("10.0.0.0/8"));
    EXPECT_TRUE(proxies.add_network("2001:db8::7"));
    proxies.add_certificate("proxy.example");
  }
  std::string client(const std::string& nearest, std::vector<Header> headers,
                     const crypto::Certificate* certificate = nullptr) {
    Request request;
    request.headers = std::move(headers);
    return proxies.client_of(nearest, certificate, request);
  }
  TrustedProxies proxies;
};

TEST_F(Forwarded, IsIgnoredFromAnybodyElse) {
  EXPECT_EQ(client("192.0.2.1:5", {{"X-Forwarded-For", "203.0.113.9"}}), "192.0.2.1:5");
  EXPECT_EQ(client("11.0.0.1:5", {{"Forwarded", "for=203.0.113.9"}}), "11.0.0.1:5");
  EXPECT_EQ(client("[2001:db8::8]:5", {{"X-Forwarded-For", "203.0.113.9"}}), "[2001:db8::8]:5");
  EXPECT_EQ(client("unix", {{"X-Forwarded-For", "203.0.113.9"}}), "unix");
  const crypto::Certificate other{.common_name = "other.example"};
  EXPECT_EQ(client("192.0.2.1:5", {{"X-Forwarded-For", "203.0.113.9"}}, &other), "192.0.2.1:5");
}

TEST_F(Forwarded, IsBelievedFromATrustedProxy) {
  EXPECT_EQ(client("10.9.9.9:5", {{"X-Forwarded-For", "203.0.113.9"}}), "203.0.113.9 by 10.9.9.9:5");
  EXPECT_EQ(client("[2001:db8::7]:5", {{"x-forwarded-for", "2001:db8::1"}}), "2001:db8::1 by [2001:db8::7]:5");
  EXPECT_EQ(client("10.9.9.9:5", {{"Forwarded", "for=\"[2001:db8::1]:99\";proto=https"}}), "2001:db8::1 by 10.9.9.9:5");
  const crypto::Certificate proxy{.common_name = "proxy.example"};
  EXPECT_EQ(client("192.0.2.1:5", {{"X-Forwarded-For", "203.0.113.9"}}, &proxy), "203.0.113.9 by 192.0.2.1:5");
}

TEST_F(Forwarded, IsReadFromTheRightWhereTheProxyWrote) {
  EXPECT_EQ(client("10.0.0.1:5", {{"X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.0.0.2"}}), "203.0.113.9 by 10.0.0.1:5")
      << "what a client wrote itself stands further left";
  EXPECT_EQ(client("10.0.0.1:5", {{"X-Forwarded-For", "6.6.6.6"}, {"X-Forwarded-For", "203.0.113.9"}}),
            "203.0.113.9 by 10.0.0.1:5");
}

// The proxy writes one of the two, and passes on what its client made up in the other.
TEST_F(Forwarded, IsNothingWhereTheTwoHeadersDiffer) {
  const Header listed{"X-Forwarded-For", "203.0.113.9"};
  for (const char* other : {"for=6.6.6.6", "for=unknown", "by=1.2.3.4", "for=\"[2001:db8::1]\"", "for=10.0.0.9"})
    for (const bool first : {false, true}) {
      const Header standard{"Forwarded", other};
      EXPECT_EQ(client("10.0.0.1:5", first ? std::vector{standard, listed} : std::vector{listed, standard}),
                "10.0.0.1:5")
          << other;
    }
  EXPECT_EQ(client("10.0.0.1:5", {listed, {"Forwarded", "for=203.0.113.9:4711"}}), "203.0.113.9 by 10.0.0.1:5");
  EXPECT_EQ(client("10.0.0.1:5", {{"X-Forwarded-For", "2001:DB8::1"}, {"Forwarded", "for=\"[2001:db8:0::1]\""}}),
            "2001:db8:0::1 by 10.0.0.1:5");
  EXPECT_EQ(client("10.0.0.1:5", {listed, {"Forwarded", ""}}), "203.0.113.9 by 10.0.0.1:5");
}

TEST_F(Forwarded, IsNothingWhereItIsNoAddress) {
  for (const char* text : {"", "unknown", "6.6.6.6\"", "_hidden", "<script>", "1.2.3.4.5", "[", "a:b", ",,,"})
    EXPECT_EQ(client("10.0.0.1:5", {{"X-Forwarded-For", text}}), "10.0.0.1:5") << text;
  EXPECT_EQ(client("10.0.0.1:5", {{"Forwarded", "by=203.0.113.9"}}), "10.0.0.1:5");
  EXPECT_EQ(client("10.0.0.1:5", {}), "10.0.0.1:5");
}

TEST(TrustedProxies, AreAddressesOrNetworks) {
  TrustedProxies proxies;
  for (const char* text : {"", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0/8", "10.0.0.0/8x"})
    EXPECT_FALSE(proxies.add_network(text)) << text;
  EXPECT_TRUE(proxies.empty());
  EXPECT_TRUE(proxies.add_network("172.16.0.0/12"));
  Request request;
  request.headers = {{"X-Forwarded-For", "203.0.113.9"}};
  EXPECT_EQ(proxies.client_of("172.31.255.255:1", nullptr, request), "203.0.113.9 by 172.31.255.255:1");
  EXPECT_EQ(proxies.client_of("172.32.0.0:1", nullptr, request), "172.32.0.0:1");
}

TEST(TrustedProxies, AreAskedWhenAServerSaysWhoItsClientIs) {
  net::Loop loop;
  const auto peer_of = [&](std::string trusted) -> net::Task<std::string> {
    Server server(
        loop, {},
        [](const Request&, Reply& reply) -> net::Task<void> {
          reply.send(200, "", reply.peer());
          co_return;
        },
        [](int, std::string_view) { return std::string(); });
    TrustedProxies proxies;
    proxies.add_network(trusted);
    server.trust_proxies(std::move(proxies));
    auto listener = net::Listener::tcp(loop, "127.0.0.1", 0).value();
    const auto port = listener.port();
    server.serve(std::move(listener));
    auto peer = co_await net::Peer::tcp(loop, port);
    co_await peer.say("GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n");
    const std::string all = co_await peer.all();
    co_await server.drain(0ms);
    co_return all.substr(all.find("\r\n\r\n") + 4);
  };
  const auto body = [&]() -> net::Task<void> {
    const std::string believed = co_await peer_of("127.0.0.0/8");
    EXPECT_TRUE(believed.starts_with("203.0.113.9 by 127.0.0.1:")) << believed;
    const std::string not_believed = co_await peer_of("10.0.0.0/8");
    EXPECT_TRUE(not_believed.starts_with("127.0.0.1:")) << not_believed;
  };
  net::run(loop, body());
}

}  // namespace
}  // namespace faelled::http
