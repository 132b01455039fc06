#include "front_ends/front_ends.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "front_ends/token_testing.hpp"
#include "members/derived_ids.hpp"
#include "store/loop_testing.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace faelled::front_ends {
namespace {

using members::Caller;
using store::TestFolder;
using store::TestLoop;

constexpr const char* shared_secret = "sk-shared0000000000000000000000000001";
constexpr const char* own_secret = "sk-own000000000000000000000000000001";
constexpr const char* persons_secret = "sk-person00000000000000000000000001";

FrontEnd open_webui() {
  FrontEnd one;
  one.name = "open-webui";
  one.key_member = "os2";
  one.key_name = "open-webui";
  one.token.secrets = {test_secret};
  one.members = MemberMap({{MemberRule::By::email_domain, {}, "aarhus.example", "aarhus"},
                           {MemberRule::By::email_domain, {}, "odense.example", "odense"}},
                          {});
  return one;
}

// A front end that a certificate proves, and that sends plain headers.
FrontEnd proven_by_certificate() {
  FrontEnd one = open_webui();
  one.name = "chat.odense.example";
  one.key_member = one.key_name = {};
  one.certificate = "chat.odense.example";
  one.groups_header = "X-User-Groups";
  one.token.secrets.clear();
  return one;
}

class FrontEndsTest : public ::testing::Test {
 protected:
  explicit FrontEndsTest(std::vector<FrontEnd> all = {open_webui(), proven_by_certificate()})
      : store_(std::move(store::open_sqlite_store(folder_ / "db").value()), loop_.poster()),
        directory_(store_, random_),
        front_ends_(std::move(all), directory_) {
    const std::vector<members::ConfiguredKey> keys{{"os2", "open-webui", shared_secret},
                                                   {"os2", "batch job", own_secret},
                                                   {"os2", "open-webui", persons_secret, "Ida"}};
    EXPECT_TRUE(directory_.load(keys, clock_.wall()));
    for (const char* member : {"aarhus", "odense"})
      EXPECT_TRUE(directory_.ensure_member(member, member, clock_.wall()));
  }

  std::expected<std::optional<Caller>, Refusal> asked(const char* secret,
                                                      std::vector<std::pair<std::string, std::string>> headers,
                                                      std::string_view certificate = {},
                                                      http::Method method = http::Method::post,
                                                      std::string_view path = "/v1/chat/completions") {
    http::Request request;
    request.method = method;
    request.path = path;
    for (const auto& [name, value] : headers) request.headers.push_back({name, value});
    crypto::Certificate proven;
    proven.dns.emplace_back(certificate);
    proven.fingerprint = "0123";
    std::optional<Caller> key;
    if (secret != nullptr) key = directory_.authenticate(secret, clock_.wall()).value();
    return front_ends_.caller_behind(request, {certificate.empty() ? nullptr : &proven}, key ? &*key : nullptr,
                                     clock_.wall());
  }
  std::expected<std::optional<Caller>, Refusal> asked_with(const std::string& token,
                                                           const char* secret = shared_secret) {
    return asked(secret, {{"x-openwebui-user-jwt", token}});
  }
  RefusalCause refusal_of(const std::expected<std::optional<Caller>, Refusal>& answer) {
    EXPECT_FALSE(answer) << "it was let in";
    return answer ? RefusalCause::full : answer.error().cause;
  }
  TestToken token() { return token_at(clock_.wall()); }
  void settle() {
    bool done = false;
    store_.ask([](store::Store&) { return Expected<void>(); },
               std::function<void(Expected<void>)>([&](Expected<void>) { done = true; }));
    loop_.run_until([&] { return done; });
  }

  TestFolder folder_;
  TestLoop loop_;
  SystemRandom random_;
  ManualClock clock_;
  store::StoreThread store_;
  members::Directory directory_;
  FrontEnds front_ends_;
};

TEST_F(FrontEndsTest, ReachThePersonBehindTheSharedKey) {
  const auto key = directory_.authenticate(shared_secret, clock_.wall()).value();
  const auto caller = asked_with(token().text());
  ASSERT_TRUE(caller && *caller);
  EXPECT_EQ((**caller).member, "aarhus");
  EXPECT_EQ((**caller).key, key.key);
  EXPECT_TRUE((**caller).user.starts_with("usr_"));
  EXPECT_EQ((**caller).caller, (**caller).user) << "fairness counts the person, not the key";
  const auto user = directory_.user((**caller).user);
  ASSERT_TRUE(user);
  EXPECT_EQ(user->name, "Ida Østergaard");
  EXPECT_EQ(user->member, "aarhus");
  EXPECT_EQ(user->email, "") << "kept only where the configuration says so";
  EXPECT_EQ(user->external_id, "7f1c");
  TestToken other = token();
  other.subject = "other";
  other.email = "ole@odense.example";
  const auto second = asked_with(other.text());
  EXPECT_EQ((**second).member, "odense");
  EXPECT_NE((**second).user, (**caller).user);
}

TEST_F(FrontEndsTest, KnowAPersonAgainAcrossRestarts) {
  const std::string id = (**asked_with(token().text())).user;
  EXPECT_EQ((**asked_with(token().text())).user, id);
  settle();
  members::Directory again(store_, random_);
  ASSERT_TRUE(again.load({}, clock_.wall()));
  ASSERT_TRUE(again.user(id));
  EXPECT_EQ(again.user(id)->front_end, "open-webui");
  EXPECT_EQ(id, members::derived_user_id("open-webui", "aarhus", "7f1c"));
}

TEST_F(FrontEndsTest, FollowAPersonWhoChangesTheirName) {
  const std::string id = (**asked_with(token().text())).user;
  settle();
  clock_.advance(limits::key_last_used_every);
  TestToken married = token();
  married.name = "Ida Møller";
  EXPECT_EQ((**asked_with(married.text())).user, id);
  EXPECT_EQ(directory_.user(id)->name, "Ida Møller");
  settle();
  const auto stored = store_.wait_for([](store::Store& store) { return store.users(); });
  EXPECT_TRUE(std::ranges::any_of(*stored, [](const store::UserRow& row) { return row.name == "Ida Møller"; }));
}

TEST_F(FrontEndsTest, AreAskedToSayWhoIsBehindARequest) {
  const auto refused = asked(shared_secret, {});
  EXPECT_EQ(refusal_of(refused), RefusalCause::person_missing);
  EXPECT_TRUE(refused.error().message.contains("FORWARD_USER_INFO_HEADER_JWT_SECRET")) << refused.error().message;
  const auto listed = asked(shared_secret, {}, {}, http::Method::get, "/v1/models");
  ASSERT_TRUE(listed && *listed) << "they fetch the list of models on their own behalf";
  EXPECT_EQ((**listed).member, "os2");
}

TEST_F(FrontEndsTest, AreNotBelievedWithoutAGoodToken) {
  TestToken bad = token();
  EXPECT_EQ(refusal_of(asked_with(bad.text("another-secret-of-32-characters!!"))), RefusalCause::token_refused);
  bad.issuer = "elsewhere";
  EXPECT_EQ(refusal_of(asked_with(bad.text())), RefusalCause::token_refused);
  bad = token();
  bad.header = R"({"alg":"none"})";
  EXPECT_EQ(refusal_of(asked_with(bad.text())), RefusalCause::token_refused);
  const std::string kept = token().text();
  EXPECT_TRUE(asked_with(kept));
  clock_.advance(300s + limits::front_end_clock_skew);
  EXPECT_EQ(refusal_of(asked_with(kept)), RefusalCause::token_refused) << "played again after its end";
  const std::string good = token().text();
  EXPECT_EQ(refusal_of(asked(shared_secret, {{"X-OpenWebUI-User-Jwt", good}, {"X-OpenWebUI-User-Jwt", good}})),
            RefusalCause::token_refused);
  EXPECT_EQ(refusal_of(asked(shared_secret, {{"X-OpenWebUI-User-Jwt", "x"}}, {}, http::Method::get, "/v1/models")),
            RefusalCause::token_refused);
  EXPECT_TRUE(directory_.users("aarhus").size() == 1) << "nobody was made of a token that was refused";
}

TEST_F(FrontEndsTest, AreNotBelievedInPlainHeadersWithoutACertificate) {
  const std::vector<std::pair<std::string, std::string>> plain{{"X-OpenWebUI-User-Id", "7f1c"},
                                                               {"X-OpenWebUI-User-Email", "ida@aarhus.example"}};
  EXPECT_EQ(refusal_of(asked(shared_secret, plain)), RefusalCause::person_missing);
}

TEST_F(FrontEndsTest, AndNobodyElseNameAPerson) {
  const std::vector<std::pair<std::string, std::string>> all{{"X-OpenWebUI-User-Jwt", token().text()},
                                                             {"X-OpenWebUI-User-Id", "7f1c"},
                                                             {"X-OpenWebUI-User-Email", "ida@aarhus.example"},
                                                             {"X-User-Groups", "Odense"}};
  for (const char* secret : {own_secret, persons_secret}) {
    const auto caller = asked(secret, all);
    ASSERT_TRUE(caller && *caller);
    EXPECT_EQ(**caller, directory_.authenticate(secret, clock_.wall()).value()) << "what others say is not looked at";
  }
  const auto nobody = asked(nullptr, all);
  EXPECT_TRUE(nobody && !*nobody);
  const auto another = asked(own_secret, all, "another.example");
  EXPECT_EQ((**another).member, "os2");
  EXPECT_TRUE(directory_.users("aarhus").empty());
}

TEST_F(FrontEndsTest, MayUsePlainHeadersBehindTheirCertificate) {
  const auto caller = asked(nullptr,
                            {{"X-OpenWebUI-User-Id", "9a"},
                             {"X-OpenWebUI-User-Email", "ole@odense.example"},
                             {"X-OpenWebUI-User-Name", "Ole %C3%86bel%C3%B8"}},
                            "chat.odense.example");
  ASSERT_TRUE(caller && *caller);
  EXPECT_EQ((**caller).member, "odense");
  EXPECT_EQ((**caller).key, "");
  EXPECT_EQ(directory_.user((**caller).user)->name, "Ole Æbelø");
  EXPECT_EQ(refusal_of(asked(nullptr, {}, "chat.odense.example")), RefusalCause::person_missing);
  EXPECT_EQ(
      refusal_of(asked(nullptr, {{"X-OpenWebUI-User-Id", "a"}, {"X-OpenWebUI-User-Id", "b"}}, "chat.odense.example")),
      RefusalCause::token_refused);
}

TEST_F(FrontEndsTest, TurnAwayPeopleOfNoMemberAndThoseWhoseAccessIsClosed) {
  TestToken stranger = token();
  stranger.email = "eva@elsewhere.example";
  const auto refused = asked_with(stranger.text());
  EXPECT_EQ(refusal_of(refused), RefusalCause::no_member);
  EXPECT_FALSE(refused.error().message.contains("eva")) << "no content of a token in a message";
  const std::string id = (**asked_with(token().text())).user;
  settle();
  members::UserChange closed;
  closed.disabled = true;
  bool done = false;
  directory_.update_user(id, closed, clock_.wall(), [&](Expected<store::UserRow> row) { done = row.has_value(); });
  loop_.run_until([&] { return done; });
  EXPECT_EQ(refusal_of(asked_with(token().text())), RefusalCause::closed);
  EXPECT_TRUE(front_ends_.try_token({}, token().text(), clock_.wall())->user_closed);
}

TEST_F(FrontEndsTest, AreKnownByAKeyThatIsThere) {
  const auto keys = directory_.keys("os2");
  const auto called = [&](const char* name, bool of_person) {
    return *std::ranges::find_if(
        keys, [&](const store::KeyRow& key) { return key.name == name && key.user.empty() != of_person; });
  };
  EXPECT_EQ(front_ends_.of_key(called("open-webui", false)), front_ends_.all().data());
  EXPECT_EQ(front_ends_.of_key(called("open-webui", true)), nullptr) << "a person's own";
  EXPECT_EQ(front_ends_.of_key(called("batch job", false)), nullptr);
  EXPECT_TRUE(has_key(directory_, "os2", "open-webui", clock_.wall()));
  EXPECT_FALSE(has_key(directory_, "os2", "open-webiu", clock_.wall()));
  EXPECT_FALSE(has_key(directory_, "aarhus", "open-webui", clock_.wall()));
  bool done = false;
  directory_.revoke_key(called("open-webui", false).id, clock_.wall(), [&](const auto&) { done = true; });
  loop_.run_until([&] { return done; });
  EXPECT_FALSE(has_key(directory_, "os2", "open-webui", clock_.wall()));
}

TEST_F(FrontEndsTest, GiveANameToThoseWhoseNameCannotBeShown) {
  TestToken odd = token();
  odd.name = "a\\u202eb";
  const std::string id = (**asked_with(odd.text())).user;
  EXPECT_EQ(directory_.user(id)->name, "Person " + id.substr(id.size() - 6));
}

TEST_F(FrontEndsTest, TellTheOperatorWhatWouldComeOfAToken) {
  const auto good = front_ends_.try_token({}, token().text(), clock_.wall());
  ASSERT_TRUE(good);
  EXPECT_TRUE(good->token.believed());
  EXPECT_EQ(good->front_end, "open-webui");
  EXPECT_EQ(good->member.member, "aarhus");
  EXPECT_FALSE(good->user_known);
  EXPECT_TRUE(directory_.users("aarhus").empty()) << "a trial makes nobody";
  const std::string id = (**asked_with(token().text())).user;
  EXPECT_EQ(front_ends_.try_token("open-webui", token().text(), clock_.wall())->user, id);
  EXPECT_TRUE(front_ends_.try_token("open-webui", token().text(), clock_.wall())->user_known);
  const std::string old = token().text();
  clock_.advance(1h);
  const auto expired = front_ends_.try_token({}, old, clock_.wall());
  EXPECT_EQ(expired->token.fault, TokenFault::expired);
  EXPECT_EQ(expired->member.member, "aarhus") << "it is still told where it would lead";
  EXPECT_EQ(front_ends_.try_token("nobody", old, clock_.wall()).error().code, Errc::not_found);
}

class LenientFrontEnd : public FrontEndsTest {
 protected:
  static FrontEnd lenient() {
    FrontEnd one = open_webui();
    one.key_without_person = true;
    one.keep_name = false;
    one.keep_email = true;
    return one;
  }
  LenientFrontEnd() : FrontEndsTest({lenient()}) {}
};

TEST_F(LenientFrontEnd, CountsForItsKeyWhereItNamesNobody) {
  const auto caller = asked(shared_secret, {});
  ASSERT_TRUE(caller && *caller);
  EXPECT_EQ((**caller).member, "os2");
  EXPECT_EQ(refusal_of(asked_with("nonsense")), RefusalCause::token_refused) << "a bad token is not an absent one";
}

TEST_F(LenientFrontEnd, KeepsOfAPersonWhatItIsToldToKeep) {
  const std::string id = (**asked_with(token().text())).user;
  EXPECT_EQ(directory_.user(id)->email, "ida@aarhus.example");
  EXPECT_EQ(directory_.user(id)->name, "Person " + id.substr(id.size() - 6));
}

TEST_F(LenientFrontEnd, GivesNobodyAnEmailThatSomebodyElseOfTheMemberHas) {
  const members::Act act{clock_.wall(), {store::ActorKind::owner, "", ""}};
  const auto local = loop_.result_of<store::UserRow>([&](auto then) {
    directory_.add_user("aarhus", {.name = "Ida", .email = "Ida@aarhus.example"}, act, std::move(then));
  });
  ASSERT_TRUE(local) << local.error().message;
  const std::string id = (**asked_with(token().text())).user;
  settle();
  EXPECT_EQ(directory_.user(id)->email, "");
  for (int meetings = 0; meetings < 2; ++meetings) {
    members::UserChange change;
    change.disabled = true;
    const auto disabled =
        loop_.result_of<store::UserRow>([&](auto then) { directory_.update_user(id, change, act, std::move(then)); });
    ASSERT_TRUE(disabled) << disabled.error().message;
    EXPECT_EQ(refusal_of(asked_with(token().text())), RefusalCause::closed);
    change.disabled = false;
    ASSERT_TRUE(
        loop_.result_of<store::UserRow>([&](auto then) { directory_.update_user(id, change, act, std::move(then)); }));
    clock_.advance(1h);
    EXPECT_TRUE(asked_with(token().text())) << "met anew";
    settle();
  }
}

// What another server gave away meanwhile, only the store knows.
TEST_F(LenientFrontEnd, TakesOverWhichEmailTheStoreKept) {
  ASSERT_TRUE(store_.wait_for([&](store::Store& s) {
    store::UserRow row;
    row.id = "usr_elsewhere";
    row.member = "aarhus";
    row.name = "Ida";
    row.email = "ida@aarhus.example";
    row.created_at = clock_.wall();
    return s.add_user(row);
  }));
  const std::string id = (**asked_with(token().text())).user;
  EXPECT_EQ(directory_.user(id)->email, "ida@aarhus.example");
  settle();
  EXPECT_EQ(directory_.user(id)->email, "");
  clock_.advance(1h);
  EXPECT_TRUE(asked_with(token().text()));
  settle();
  EXPECT_EQ(directory_.user(id)->email, "");
}

}  // namespace
}  // namespace faelled::front_ends
