#include <gtest/gtest.h>

#include "base/names.hpp"
#include "members/server_run_testing.hpp"

namespace faelled::members {
namespace {

TEST(Names, MayBeDanish) {
  EXPECT_TRUE(check_name("the name", "Ærø Kommune – Børn & Unge"));
  EXPECT_TRUE(check_name("the name", "𝔽 ok"));
}

TEST(Names, MayNotHideOrBreakAnything) {
  EXPECT_FALSE(check_name("the name", ""));
  EXPECT_FALSE(check_name("the name", " a"));
  EXPECT_FALSE(check_name("the name", std::string(201, 'a')));
  EXPECT_FALSE(check_name("the name", "a\nb"));
  EXPECT_FALSE(check_name("the name", std::string_view("a\0b", 3)));
  EXPECT_FALSE(check_name("the name", "a\u202Eb")) << "right-to-left override";
  EXPECT_FALSE(check_name("the name", "a\u0085b")) << "a C1 control";
  EXPECT_FALSE(check_name("the name", "\xC0\xAF")) << "overlong";
  EXPECT_FALSE(check_name("the name", "\xED\xA0\x80")) << "a surrogate";
  EXPECT_FALSE(check_name("the name", "\xF4\x90\x80\x80")) << "beyond Unicode";
  EXPECT_FALSE(check_name("the name", "caf\xE9")) << "Latin-1";
  EXPECT_FALSE(check_name("the name", "\xE2\x82")) << "cut off";
}

TEST(MemberIds, AreFitForAddresses) {
  EXPECT_TRUE(check_member_id("aarhus-kommune.dk_2"));
  for (const char* id : {"", "-a", "a/b", "a b", "århus", ".."}) EXPECT_FALSE(check_member_id(id)) << id;
}

TEST_F(DirectoryTest, KnowsTheHolderOfAKey) {
  ServerRun run(folder_ / "faelled.db");
  ASSERT_TRUE(run.load());
  ASSERT_TRUE(run->ensure_member("aarhus", "Aarhus Kommune", run.now()));
  const auto key = run.add_key("aarhus");
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_TRUE(key->secret.starts_with("sk-"));
  EXPECT_GE(key->secret.size(), 35U);
  const auto caller = run->authenticate(key->secret, run.now());
  ASSERT_TRUE(caller);
  EXPECT_EQ(*caller, (Caller{"aarhus", key->row.id, key->row.id, ""}));
}

TEST_F(DirectoryTest, CountsAPersonalKeyAsItsUser) {
  ServerRun run(folder_ / "faelled.db");
  ASSERT_TRUE(run.load());
  ASSERT_TRUE(run->ensure_member("aarhus", "Aarhus", run.now()));
  ASSERT_TRUE(run->ensure_member("odense", "Odense", run.now()));
  const auto user = run->ensure_user("aarhus", "Anne", run.now());
  ASSERT_TRUE(user);
  const auto key = run.add_key("aarhus", {}, user->id);
  ASSERT_TRUE(key);
  EXPECT_EQ(run->authenticate(key->secret, run.now())->caller, user->id);
  EXPECT_EQ(run.add_key("odense", {}, user->id).error().code, Errc::not_found) << "another member's user";
}

TEST_F(DirectoryTest, SaysTheSameToEveryoneItDoesNotLetIn) {
  ServerRun run(folder_ / "faelled.db");
  ASSERT_TRUE(run.load());
  ASSERT_TRUE(run->ensure_member("aarhus", "Aarhus", run.now()));
  const auto expiring = run.add_key("aarhus", run.now() + 60s);
  const auto revoked = run.add_key("aarhus");
  ASSERT_TRUE(expiring && revoked);
  ASSERT_TRUE(run.revoke(revoked->row.id));
  EXPECT_TRUE(run->authenticate(expiring->secret, run.now()));
  run.advance(60s);
  EXPECT_EQ(run.denial_of(expiring->secret), DenialCause::expired);
  EXPECT_EQ(run.denial_of(revoked->secret), DenialCause::revoked);
  EXPECT_EQ(run.denial_of("sk-nobody"), DenialCause::unknown);
  EXPECT_EQ(run.denial_of(std::string(8000, 'x')), DenialCause::unknown);
  const auto unknown = run->authenticate("sk-nobody", run.now()).error();
  for (const std::string& secret : {expiring->secret, revoked->secret}) {
    const auto denial = run->authenticate(secret, run.now()).error();
    EXPECT_EQ(denial.code, Errc::unauthorized);
    EXPECT_EQ(denial.message, unknown.message);
    EXPECT_EQ(denial.hint, unknown.hint);
  }
}

TEST_F(DirectoryTest, RevokesAtOnceAndForGood) {
  std::string secret;
  std::string id;
  {
    ServerRun run(folder_ / "faelled.db");
    ASSERT_TRUE(run.load());
    ASSERT_TRUE(run->ensure_member("aarhus", "Aarhus", run.now()));
    const auto key = run.add_key("aarhus");
    secret = key->secret;
    id = key->row.id;
    bool durable = false;
    run->revoke_key(id, run.now(), [&](Expected<KeyRow> row) { durable = row.has_value(); });
    EXPECT_EQ(run.denial_of(secret), DenialCause::revoked) << "before the store has answered";
    run.loop().run_until([&] { return durable; });
  }
  ServerRun again(folder_ / "faelled.db");
  ASSERT_TRUE(again.load());
  EXPECT_EQ(again.denial_of(secret), DenialCause::revoked);
  EXPECT_EQ(again.revoke("key_none").error().code, Errc::not_found);
}

TEST_F(DirectoryTest, RefusesBadInput) {
  ServerRun run(folder_ / "faelled.db");
  ASSERT_TRUE(run.load());
  ASSERT_TRUE(run->ensure_member("aarhus", "Aarhus", run.now()));
  EXPECT_EQ(run.add_key("nobody").error().code, Errc::not_found);
  EXPECT_EQ(run.add_key("aarhus", run.now()).error().code, Errc::invalid);
  const auto add = [&](std::string id, std::string name) {
    return run.loop().result_of<MemberRow>(
        [&](auto then) { run->add_member(std::move(id), std::move(name), run.now(), std::move(then)); });
  };
  EXPECT_EQ(add("aarhus", "again").error().code, Errc::exists);
  EXPECT_EQ(add("a/b", "x").error().code, Errc::invalid);
  EXPECT_EQ(add("", "bad\nname").error().code, Errc::invalid);
  const auto made = add("", "Odense Kommune");
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->id.starts_with("mem_"));
  EXPECT_EQ(run->members().size(), 2U);
}

const ConfiguredKey bench{"demo", "bench", "sk-test0000000000000000000000000001"};

TEST_F(DirectoryTest, TakesConfiguredKeysInAndFindsThemAgain) {
  std::string id;
  for (int start = 0; start < 3; ++start) {
    ServerRun run(folder_ / "faelled.db");
    ASSERT_TRUE(run.load({bench}));
    const auto caller = run->authenticate(bench.secret, run.now());
    ASSERT_TRUE(caller);
    EXPECT_EQ(caller->member, "demo");
    if (start == 0) id = caller->key;
    EXPECT_EQ(caller->key, id) << "the same key at each start";
    EXPECT_EQ(run->keys("demo").size(), 1U);
  }
}

TEST_F(DirectoryTest, AMemberThatAKeyMakesHasTheNameThatTheConfigurationGivesIt) {
  ServerRun run(folder_ / "faelled.db");
  ConfiguredKey named{"odense", "bench", "sk-test0000000000000000000000000002"};
  named.member_name = "Odense Kommune";
  ASSERT_TRUE(run.load({bench, named}));
  EXPECT_EQ(run->member("odense")->name, "Odense Kommune");
  EXPECT_EQ(run->member("demo")->name, "demo");
}

TEST_F(DirectoryTest, RevokesAKeyThatLeftTheConfigurationUntilItReturns) {
  {
    ASSERT_TRUE(ServerRun(folder_ / "faelled.db").load({bench}));
  }
  {
    ServerRun run(folder_ / "faelled.db");
    ASSERT_TRUE(run.load());
    EXPECT_EQ(run.denial_of(bench.secret), DenialCause::revoked);
  }
  ServerRun run(folder_ / "faelled.db");
  ASSERT_TRUE(run.load({bench}));
  EXPECT_TRUE(run->authenticate(bench.secret, run.now()));
}

TEST_F(DirectoryTest, NeverRevivesAKeyThatAPersonRevoked) {
  {
    ServerRun run(folder_ / "faelled.db");
    ASSERT_TRUE(run.load({bench}));
    ASSERT_TRUE(run.revoke(run->keys().front().id));
  }
  ServerRun run(folder_ / "faelled.db");
  ASSERT_TRUE(run.load({bench}));
  EXPECT_EQ(run.denial_of(bench.secret), DenialCause::revoked);
}

TEST_F(DirectoryTest, RefusesAConfigurationWithABadKeyAndTakesInNothingOfIt) {
  ServerRun run(folder_ / "faelled.db");
  const ConfiguredKey weak{"demo", "weak", "sk-short"};
  EXPECT_EQ(run.load({bench, weak}).error().code, Errc::invalid);
  EXPECT_EQ(run.load({bench, bench}).error().code, Errc::invalid);
  ASSERT_TRUE(run.load());
  EXPECT_TRUE(run->keys().empty());
}

TEST_F(DirectoryTest, SignsInOnceWithALinkAndKeepsTheSessionAcrossRestarts) {
  std::string token;
  {
    ServerRun run(folder_ / "faelled.db");
    ASSERT_TRUE(run.load());
    ASSERT_TRUE(run->ensure_member("aarhus", "Aarhus", run.now()));
    const auto user = run->ensure_user("aarhus", "Anne", run.now());
    const auto link = run.link(user->id);
    ASSERT_TRUE(link);
    const auto session = run.sign_in(link->token);
    ASSERT_TRUE(session) << session.error().message;
    EXPECT_EQ(session->user.name, "Anne");
    EXPECT_EQ(session->member.id, "aarhus");
    token = session->token;
    EXPECT_EQ(run.sign_in(link->token).error().code, Errc::unauthorized) << "a link works once";
    EXPECT_EQ(run.sign_in("nonsense").error().message, run.sign_in(link->token).error().message);
  }
  ServerRun run(folder_ / "faelled.db");
  ASSERT_TRUE(run.load());
  const auto caller = run->authenticate_session(token, run.now());
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->member, "aarhus");
  EXPECT_EQ(caller->caller, caller->user);
  EXPECT_EQ(caller->key, "");
  EXPECT_EQ(run->session(token, run.now())->user.name, "Anne");
  EXPECT_FALSE(run->authenticate(token, run.now())) << "a session is no API key";
  run.advance(limits::session_max);
  EXPECT_FALSE(run->authenticate_session(token, run.now()));
  EXPECT_FALSE(run->session(token, run.now()));
}

TEST_F(DirectoryTest, LetsLinksExpireAndSessionsEnd) {
  ServerRun run(folder_ / "faelled.db");
  ASSERT_TRUE(run.load());
  ASSERT_TRUE(run->ensure_member("aarhus", "Aarhus", run.now()));
  const auto user = run->ensure_user("aarhus", "Anne", run.now());
  const auto late = run.link(user->id);
  const auto in_time = run.link(user->id);
  run.advance(limits::sign_in_link_max - 1s);
  const auto session = run.sign_in(in_time->token);
  ASSERT_TRUE(session);
  run.advance(1s);
  EXPECT_EQ(run.sign_in(late->token).error().code, Errc::unauthorized);
  run->sign_out(session->token, [](Expected<void>) {});
  EXPECT_FALSE(run->authenticate_session(session->token, run.now())) << "before the store has answered";
}

TEST_F(DirectoryTest, RemembersWhenAKeyWasLastUsedAndWritesItSeldom) {
  ServerRun run(folder_ / "faelled.db");
  ASSERT_TRUE(run.load({bench}));
  const auto stored = [&] {
    return run.store().wait_for([](store::Store& s) { return s.keys(); })->front().last_used_at;
  };
  EXPECT_EQ(stored(), std::nullopt);
  const WallTime first = run.now();
  ASSERT_TRUE(run->authenticate(bench.secret, first));
  EXPECT_EQ(stored(), first);
  ASSERT_TRUE(run->authenticate(bench.secret, first + 1s));
  EXPECT_EQ(stored(), first);
  ASSERT_TRUE(run->authenticate(bench.secret, first + limits::key_last_used_every));
  EXPECT_EQ(stored(), first + limits::key_last_used_every);
}

}  // namespace
}  // namespace faelled::members
