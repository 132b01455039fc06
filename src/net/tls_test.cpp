#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "crypto/certificates_testing.hpp"
#include "net/event.hpp"
#include "net/testing.hpp"
#include "net/tls_credentials.hpp"

namespace faelled::net {
namespace {

using ::testing::HasSubstr;

class Credentials : public ::testing::Test {
 protected:
  Credentials() : folder_((std::filesystem::temp_directory_path() / "faelled-tls-XXXXXX").string()) {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    put("certificate.pem", first_.certificate);
    put("key.pem", first_.key);
  }
  ~Credentials() override { std::filesystem::remove_all(folder_); }

  // By another file under the same name, as those that renew certificates do.
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/new") << text;
    std::filesystem::rename(folder_ + "/new", folder_ + "/" + name);
  }
  void open() {
    auto made = TlsCredentials::open(
        loop_, {folder_ + "/certificate.pem", folder_ + "/key.pem", "", crypto::ClientCertificates::none},
        [this](const crypto::TlsFault* fault) { looks_.push_back(fault ? fault->message : ""); }, 1ms);
    ASSERT_TRUE(made) << made.error().message;
    credentials_ = std::move(*made);
  }
  void until_looks(std::size_t times) {
    run(loop_, turns_until(loop_, [this, times] { return looks_.size() >= times; }));
  }
  std::string name() const { return credentials_->current()->own().common_name; }

  Loop loop_;
  std::string folder_;
  crypto::TestAuthority authority_;
  crypto::IssuedCertificate first_ = authority_.issue({"first"});
  crypto::IssuedCertificate second_ = authority_.issue({"second"});
  std::unique_ptr<TlsCredentials> credentials_;
  std::vector<std::string> looks_;
};

TEST_F(Credentials, AreReadAgainWhenTheyChange) {
  open();
  EXPECT_EQ(name(), "first");
  const auto of_before = credentials_->current();
  put("certificate.pem", second_.certificate);
  put("key.pem", second_.key);
  until_looks(1);
  while (!looks_.back().empty()) until_looks(looks_.size() + 1);  // the pair was seen half replaced
  EXPECT_EQ(name(), "second");
  EXPECT_FALSE(credentials_->newest_is_broken());
  EXPECT_EQ(of_before->own().common_name, "first") << "whoever holds it keeps it";
}

TEST_F(Credentials, StayWhatTheyWereWhenTheNewOnesAreBroken) {
  open();
  put("key.pem", second_.key);
  until_looks(1);
  EXPECT_THAT(looks_.back(), HasSubstr("key.pem holds the key of another certificate"));
  EXPECT_TRUE(credentials_->newest_is_broken());
  EXPECT_EQ(name(), "first");
  std::filesystem::remove(folder_ + "/certificate.pem");
  until_looks(2);
  EXPECT_THAT(looks_.back(), HasSubstr("certificate.pem cannot be read"));
  EXPECT_EQ(name(), "first");
  put("certificate.pem", second_.certificate);
  until_looks(3);
  EXPECT_EQ(name(), "second");
  EXPECT_FALSE(credentials_->newest_is_broken());
}

TEST_F(Credentials, SayAtOnceWhatIsWrongWithTheFirst) {
  put("certificate.pem", "nothing");
  const auto made = TlsCredentials::open(loop_, {folder_ + "/certificate.pem", folder_ + "/key.pem", "", {}}, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().part, crypto::TlsPart::certificate);
  EXPECT_THAT(made.error().message, HasSubstr("certificate.pem holds no certificate"));
}

// The socket takes little at a time here, so that records are torn in every place.
TEST(TlsStream, LosesNothingWhereTheSocketTakesLittle) {
  Loop loop;
  const crypto::TestAuthority authority;
  const auto own = authority.issue();
  const auto answers = crypto::TlsContext::server({own.certificate, own.key, "", {}}).value();
  const auto asks = crypto::TlsContext::client({authority.pem(), "", ""}).value();
  auto listener = Listener::tcp(loop, "127.0.0.1", 0).value();
  std::string sent;
  for (int i = 0; sent.size() < 3'000'000; ++i) sent += std::to_string(i) + ",";
  Event over;
  const auto serve = [&](Stream stream) -> Task<void> {
    EXPECT_TRUE(co_await stream.start_tls(loop, crypto::TlsSession::accept(answers), test_patience));
    // As the HTTP server writes: what is there, then on when the socket takes more, with more behind it each time.
    std::string out;
    std::size_t done = 0;
    for (std::size_t made = 0; done < sent.size();) {
      made = std::min(sent.size(), made + 100'000);
      out = sent.substr(done, made - done);
      const IoResult wrote = stream.try_write(out);
      EXPECT_TRUE(wrote.ok());
      if (!wrote.ok()) break;
      done += wrote.bytes;
      if (wrote.bytes < out.size()) co_await stream.writable();
    }
    stream.shutdown_write();
    co_await over;
  };
  listener.start([&](Stream stream) { loop.spawn(serve(std::move(stream))); });
  const auto read = [&]() -> Task<void> {
    auto stream = (co_await connect_tcp(loop, "127.0.0.1", listener.port(), test_patience)).value();
    EXPECT_TRUE(co_await stream.start_tls(loop, crypto::TlsSession::connect(asks, "127.0.0.1"), test_patience));
    std::string got;
    char piece[777];
    IoResult came;
    while ((came = co_await stream.read_some(piece)).ok()) {
      got.append(piece, came.bytes);
      if (got.size() % 50 == 0) co_await loop.sleep(1ms);  // now and then slower than the other side
    }
    EXPECT_EQ(came.status, IoStatus::eof);
    EXPECT_TRUE(got == sent) << got.size();
    over.set();
    co_await loop.sleep(1ms);
  };
  run(loop, read());
}

}  // namespace
}  // namespace faelled::net
