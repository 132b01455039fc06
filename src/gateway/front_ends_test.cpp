// The person behind a shared key, from the header to the ledger.
#include "front_ends/token_testing.hpp"
#include "gateway/testing.hpp"

namespace faelled::gateway {
namespace {

using front_ends::FrontEnd;
using front_ends::MemberMap;
using front_ends::MemberRule;

class PeopleBehindAKey : public GatewayTest {
 protected:
  PeopleBehindAKey() {
    EXPECT_TRUE(directory_.ensure_member("aarhus", "Aarhus", clock_.wall()));
    FrontEnd one;
    one.name = "open-webui";
    one.key_member = "demo";
    one.key_name = "test";
    one.token.secrets = {front_ends::test_secret};
    one.members = MemberMap({{MemberRule::By::email_domain, {}, "aarhus.example", "aarhus"}}, {});
    front_ends_.emplace(std::vector{one}, directory_);
    gateway_.emplace(*context_, directory_, &*front_ends_);
  }
  std::string token_header(const std::string& email = "ida@aarhus.example") {
    front_ends::TestToken token = front_ends::token_at(clock_.wall());
    token.email = email;
    return "X-OpenWebUI-User-Jwt: " + token.text() + "\r\n";
  }

  std::optional<front_ends::FrontEnds> front_ends_;
};

TEST_F(PeopleBehindAKey, AreTheOnesThatTicketAndLedgerName) {
  mesh_.places = 1;
  run([&]() -> Task<void> {
    Peer peer = co_await ask(chat(false, {}, token_header()));
    Peer engine = co_await engine_->request();
    EXPECT_FALSE(engine.got.contains("OpenWebUI")) << "an engine is told of nobody";
    co_await engine.say(whole_answer());
    EXPECT_TRUE(co_await peer.hears("hej"));
    const auto row = co_await one_row();
    EXPECT_EQ(row.member, "aarhus");
    EXPECT_TRUE(row.user.starts_with("usr_"));
    EXPECT_EQ(row.caller, row.user);
    EXPECT_TRUE(row.key.starts_with("key_"));
    EXPECT_EQ(mesh_.tickets.at(0).member, "aarhus");
    EXPECT_EQ(mesh_.tickets.at(0).caller, row.user);
  });
}

TEST_F(PeopleBehindAKey, AreAskedForAndToldWhyTheyAreNotBelieved) {
  run([&]() -> Task<void> {
    Peer missing = co_await ask(chat(false));
    EXPECT_TRUE(co_await missing.hears("invalid_user_token"));
    EXPECT_TRUE(missing.got.starts_with("HTTP/1.1 401"));
    Peer stranger = co_await ask(chat(false, {}, token_header("eva@elsewhere.example")));
    EXPECT_TRUE(co_await stranger.hears("belongs to no member"));
    EXPECT_TRUE(stranger.got.starts_with("HTTP/1.1 403"));
    Peer forged = co_await ask(chat(false, {}, "X-OpenWebUI-User-Jwt: a.b.c\r\n"));
    EXPECT_TRUE(co_await forged.hears("is not accepted"));
    EXPECT_TRUE(mesh_.tickets.empty()) << "no ticket, no row";
    EXPECT_TRUE(rows().empty());
    EXPECT_FALSE(file(folder_ / "log").contains("eva@elsewhere.example"));
    EXPECT_TRUE(file(folder_ / "log").contains("a front end was refused"));
  });
}

}  // namespace
}  // namespace faelled::gateway
