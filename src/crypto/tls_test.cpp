#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/limits.hpp"
#include "crypto/certificates_testing.hpp"
#include "crypto/tls_files.hpp"
#include "crypto/tls_session.hpp"

namespace faelled::crypto {
namespace {

using Step = TlsSession::Step;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Tls : public ::testing::Test {
 protected:
  std::shared_ptr<const TlsContext> server(ClientCertificates ask = ClientCertificates::none,
                                           const CertificateWish& wish = {}) {
    const IssuedCertificate own = authority.issue(wish);
    return TlsContext::server({own.certificate, own.key, authority.pem(), ask}).value();
  }
  std::shared_ptr<const TlsContext> client(const IssuedCertificate& own = {}) {
    return TlsContext::client({authority.pem(), own.certificate, own.key}).value();
  }
  void meet(TlsSession& asks, TlsSession& answers, std::size_t step = 64 * 1024) {
    shake_hands(asks, answers, step);
    ASSERT_EQ(asks.handshake(), Step::done) << asks.why();
    ASSERT_EQ(answers.handshake(), Step::done) << answers.why();
  }
  static std::string read_all(TlsSession& session) {
    std::string out, piece(10'000, '\0');
    for (auto got = session.read(piece); got.step == Step::done; got = session.read(piece))
      out += piece.substr(0, got.bytes);
    return out;
  }
  TestAuthority authority;
};

TEST_F(Tls, CarriesBothDirectionsWhateverTheWireDoesToTheBytes) {
  for (const std::size_t step : {1UL, 7UL, 1000UL, 100'000UL}) {
    auto asks = TlsSession::connect(client(), "localhost");
    auto answers = TlsSession::accept(server());
    meet(asks, answers, step);
    const std::string question(1000, 'q'), answer(200'000, 'a');
    ASSERT_TRUE(asks.write(question));
    ASSERT_TRUE(answers.write(answer));
    exchange_wire(asks, answers, step);
    EXPECT_EQ(read_all(answers), question);
    EXPECT_EQ(read_all(asks), answer);
    EXPECT_EQ(answers.peer(), std::nullopt);
    EXPECT_EQ(asks.peer()->common_name, "localhost");
  }
}

TEST_F(Tls, SaysWhenThatWasAll) {
  auto asks = TlsSession::connect(client(), "localhost");
  auto answers = TlsSession::accept(server());
  meet(asks, answers);
  answers.write("the rest");
  answers.end();
  EXPECT_FALSE(answers.write("more"));
  exchange_wire(asks, answers);
  std::string into(100, '\0');
  EXPECT_EQ(asks.read(into).bytes, 8U);
  EXPECT_TRUE(asks.readable()) << "the end is still to be told";
  EXPECT_EQ(asks.read(into).step, Step::ended);
}

TEST_F(Tls, TellsWhoTheClientIs) {
  const auto own =
      authority.issue({"proxy.example", "DNS:proxy.example,email:ops@example.dk,URI:spiffe://x/proxy,IP:192.0.2.7"});
  for (const auto ask : {ClientCertificates::optional, ClientCertificates::required}) {
    auto asks = TlsSession::connect(client(own), "127.0.0.1");
    auto answers = TlsSession::accept(server(ask));
    meet(asks, answers);
    const Certificate& who = answers.peer().value();
    EXPECT_EQ(who.common_name, "proxy.example");
    EXPECT_EQ(who.subject, "CN=proxy.example");
    EXPECT_EQ(who.issuer, "CN=Test authority");
    EXPECT_THAT(who.dns, ElementsAre("proxy.example"));
    EXPECT_THAT(who.emails, ElementsAre("ops@example.dk"));
    EXPECT_THAT(who.uris, ElementsAre("spiffe://x/proxy"));
    EXPECT_THAT(who.addresses, ElementsAre("192.0.2.7"));
    EXPECT_EQ(who.fingerprint.size(), 64U);
    EXPECT_TRUE(who.names("proxy.example") && who.names("ops@example.dk") && who.names("spiffe://x/proxy"));
    EXPECT_FALSE(who.names("proxy") || who.names("") || who.names("192.0.2.7"));
  }
  auto asks = TlsSession::connect(client(own), "localhost");
  auto answers = TlsSession::accept(server());
  meet(asks, answers);
  EXPECT_EQ(answers.peer(), std::nullopt) << "nobody asked, so nobody vouches";
}

TEST_F(Tls, AsksForACertificateAsMuchAsItIsTold) {
  auto asks = TlsSession::connect(client(), "localhost");
  auto answers = TlsSession::accept(server(ClientCertificates::optional));
  meet(asks, answers);
  EXPECT_EQ(answers.peer(), std::nullopt);
  auto anonymous = TlsSession::connect(client(), "localhost");
  auto strict = TlsSession::accept(server(ClientCertificates::required));
  shake_hands(anonymous, strict);
  EXPECT_EQ(strict.handshake(), Step::failed);
  EXPECT_THAT(strict.why(), HasSubstr("did not return a certificate"));
  std::string into(10, '\0');
  EXPECT_EQ(strict.read(into).step, Step::failed);
  EXPECT_FALSE(strict.write("x"));
}

TEST_F(Tls, RefusesAClientOfAnotherAuthorityAndOneThatHasExpired) {
  const TestAuthority stranger("Test authority");  // the name alone proves nothing
  const auto expired = authority.issue({"late", "", -std::chrono::hours(2), -std::chrono::hours(1)});
  for (const auto& [own, why] :
       {std::pair(stranger.issue({"proxy"}), "not trusted here"), std::pair(expired, "expired")})
    for (const auto ask : {ClientCertificates::optional, ClientCertificates::required}) {
      auto asks = TlsSession::connect(client(own), "localhost");
      auto answers = TlsSession::accept(server(ask));
      shake_hands(asks, answers);
      EXPECT_EQ(answers.handshake(), Step::failed);
      EXPECT_THAT(answers.why(), HasSubstr(why));
      EXPECT_EQ(answers.peer(), std::nullopt);
    }
}

TEST_F(Tls, RefusesAServerThatIsNotWhoWasAskedFor) {
  const auto fails = [&](const std::shared_ptr<const TlsContext>& there, const std::string& host) {
    auto asks = TlsSession::connect(client(), host);
    auto answers = TlsSession::accept(there);
    shake_hands(asks, answers);
    EXPECT_EQ(asks.handshake(), Step::failed);
    return asks.why();
  };
  EXPECT_THAT(fails(server(), "gpu.example"), HasSubstr("another name"));
  EXPECT_THAT(fails(server(), "192.0.2.1"), HasSubstr("another name"));
  EXPECT_THAT(fails(server({}, {"localhost", ""}), "127.0.0.1"), HasSubstr("another name"));
  EXPECT_THAT(fails(server({}, {"x", "DNS:localhost", -std::chrono::hours(2), -std::chrono::hours(1)}), "localhost"),
              HasSubstr("expired"));
  EXPECT_THAT(fails(server({}, {"x", "DNS:localhost", std::chrono::hours(1)}), "localhost"),
              HasSubstr("not valid yet"));
  const TestAuthority stranger;
  const auto own = stranger.issue();
  EXPECT_THAT(fails(TlsContext::server({own.certificate, own.key, "", {}}).value(), "localhost"),
              HasSubstr("not trusted here"));
}

TEST_F(Tls, SaysWhichPartCannotBeUsed) {
  const auto own = authority.issue();
  const auto other = authority.issue();
  const auto fault = [](const TlsServerSettings& settings) {
    auto made = TlsContext::server(settings);
    return made ? TlsFault{} : made.error();
  };
  EXPECT_EQ(fault({"nonsense", own.key, "", {}}).part, TlsPart::certificate);
  EXPECT_THAT(fault({"nonsense", own.key, "", {}}).message, HasSubstr("holds no certificate"));
  EXPECT_EQ(fault({own.certificate, "nonsense", "", {}}).part, TlsPart::key);
  EXPECT_THAT(fault({own.certificate, other.key, "", {}}).message, HasSubstr("another certificate"));
  EXPECT_THAT(fault({own.certificate, "-----BEGIN ENCRYPTED PRIVATE KEY-----", "", {}}).message, HasSubstr("password"));
  const auto no_authority = fault({own.certificate, own.key, own.key, ClientCertificates::required});
  EXPECT_EQ(no_authority.part, TlsPart::ca);
  EXPECT_THAT(no_authority.message, HasSubstr("no certificate of an authority"));
}

// Else half of it would take the place of the whole.
TEST_F(Tls, RefusesAFileThatIsDamagedBehindItsFirstCertificate) {
  const auto own = authority.issue();
  const TestAuthority second("Second authority");
  std::string damaged = second.pem();
  damaged[damaged.size() / 2] = '!';
  const auto message = [](const TlsContext::Made& made) { return made ? std::string() : made.error().message; };
  const auto chain = [&](const std::string& more) {
    return message(TlsContext::server({own.certificate + more, own.key, "", {}}));
  };
  const auto trusts = [&](const std::string& all) {
    return message(TlsContext::server({own.certificate, own.key, all, ClientCertificates::required}));
  };
  EXPECT_EQ(chain(second.pem() + "and words\n"), "");
  EXPECT_THAT(chain(damaged), HasSubstr("damaged"));
  EXPECT_EQ(trusts(authority.pem() + second.pem()), "");
  EXPECT_THAT(trusts(authority.pem() + damaged), HasSubstr("damaged"));
  EXPECT_THAT(trusts(damaged), HasSubstr("damaged"));
  std::string many = authority.pem();
  for (std::size_t i = 0; i < limits::certificate_chain_max; ++i) many += second.pem();
  EXPECT_THAT(chain(many), HasSubstr("more than"));
}

class TlsFiles : public Tls {
 protected:
  TlsFiles() : folder((std::filesystem::temp_directory_path() / "faelled-tls-XXXXXX").string()) {
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
  }
  ~TlsFiles() override { std::filesystem::remove_all(folder); }
  std::string put(const std::string& name, const std::string& text) const {
    std::ofstream(folder + "/new") << text;
    std::filesystem::rename(folder + "/new", folder + "/" + name);
    return folder + "/" + name;
  }
  std::string folder;
};

TEST_F(TlsFiles, OfAClientAreHeldToUntilTheNextOnesFitTogether) {
  TlsClientContexts contexts;
  const auto own = authority.issue(), next = authority.issue();
  const TlsClientFiles files{put("ca", authority.pem()), put("certificate", own.certificate), put("key", own.key)};
  const auto first = contexts.of(files);
  ASSERT_TRUE(first) << first.error().message;
  put("certificate", next.certificate);
  const auto between = contexts.of(files);
  ASSERT_TRUE(between) << between.error().message;
  EXPECT_EQ(*between, *first);
  put("key", next.key);
  const auto second = contexts.of(files);
  ASSERT_TRUE(second);
  EXPECT_NE(*second, *first);
}

// Else a certificate whose file is being written would be one that is not shown.
TEST_F(TlsFiles, OfAClientAreAllThereWhereTheyAreNamed) {
  TlsClientContexts contexts;
  const auto own = authority.issue();
  const TlsClientFiles files{put("ca", authority.pem()), put("certificate", own.certificate), put("key", own.key)};
  const auto first = contexts.of(files);
  ASSERT_TRUE(first) << first.error().message;
  for (const auto& [name, text, part] :
       {std::tuple("ca", authority.pem(), TlsPart::ca),
        std::tuple("certificate", own.certificate, TlsPart::certificate), std::tuple("key", own.key, TlsPart::key)}) {
    put(name, "");
    const auto read = read_client(files);
    ASSERT_FALSE(read) << name;
    EXPECT_EQ(read.error().part, part);
    EXPECT_EQ(read.error().message, folder + "/" + name + " is empty");
    EXPECT_EQ(contexts.of(files).value(), *first);
    put(name, text);
  }
}

TEST_F(Tls, FailsOnWhatIsNoTlsAndKnowsPlainHttp) {
  auto http = TlsSession::accept(server());
  http.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(http.handshake(), Step::failed);
  EXPECT_TRUE(http.is_plain_http());
  auto noise = TlsSession::accept(server());
  noise.receive(std::string(1000, '\x16'));
  EXPECT_EQ(noise.handshake(), Step::failed);
  EXPECT_FALSE(noise.is_plain_http());
  EXPECT_THAT(noise.why(), testing::Not(IsEmpty()));
  EXPECT_EQ(noise.handshake(), Step::failed) << "for good";
}

TEST_F(Tls, FailsWhenOneBitOfTheWireIsTurned) {
  auto asks = TlsSession::connect(client(), "localhost");
  auto answers = TlsSession::accept(server());
  meet(asks, answers);
  asks.write("transfer 1 krone");
  std::string wire(asks.outgoing());
  wire[wire.size() / 2] ^= 1;
  answers.receive(wire);
  std::string into(100, '\0');
  EXPECT_EQ(answers.read(into).step, Step::failed);
  EXPECT_FALSE(answers.write("x"));
}

TEST(Certificate, HasNoNameThatHidesAnother) {
  const TestAuthority authority;
  const std::string hidden("good.example\0.evil", 18);
  const std::string der = TestAuthority::der(authority.issue({hidden, ""}).certificate);
  const auto read = read_certificate(std::as_bytes(std::span(der)));
  ASSERT_TRUE(read);
  EXPECT_THAT(read->common_name, IsEmpty());
  EXPECT_FALSE(read->names("good.example"));
  EXPECT_FALSE(read_certificate(std::as_bytes(std::span(der).subspan(1))));
  const std::string longer = der + "x";
  EXPECT_FALSE(read_certificate(std::as_bytes(std::span(longer))));
}

TEST(Certificate, TellsHowLongItLasts) {
  const TestAuthority authority;
  const std::string der = TestAuthority::der(authority.issue().certificate);
  const auto read = read_certificate(std::as_bytes(std::span(der))).value();
  EXPECT_EQ(std::chrono::duration_cast<std::chrono::hours>(read.not_after - read.not_before).count(), 25);
}

}  // namespace
}  // namespace faelled::crypto
