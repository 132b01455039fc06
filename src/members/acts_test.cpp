// Invariant: audited. Acts of administration through the Directory, and the rows that they leave.
#include <algorithm>

#include "members/retention.hpp"
#include "members/rights.hpp"
#include "members/roles.hpp"
#include "members/server_run_testing.hpp"
#include "store/conversations.hpp"

namespace faelled::members {
namespace {

using store::ActorKind;
using store::AuditOutcome;
using store::Role;

class Acts : public DirectoryTest {
 protected:
  Acts() : run_(folder_ / "faelled.db") {
    EXPECT_TRUE(run_.load());
    EXPECT_TRUE(run_->ensure_member("aarhus", "Aarhus", run_.now()));
    admin_ = *run_.add_user("aarhus", {"Ada", Role::member_admin}, run_.now());
    anne_ = *run_.add_user("aarhus", {"Anne", Role::user, "anne@aarhus.example"}, run_.now());
  }
  store::AuditRow last() { return run_.audit().front(); }
  std::size_t rows() { return run_.audit().size(); }

  ServerRun run_;
  UserRow admin_;
  UserRow anne_;
};

TEST_F(Acts, SayWhoDidWhatToWhatFromWhereAndWhatItWasBefore) {
  run_.advance(1s);
  UserChange change;
  change.role = Role::builder;
  ASSERT_TRUE(run_.update_user(anne_.id, change, run_.act_of(admin_)));
  const store::AuditRow row = last();
  EXPECT_EQ(row.action, "user.update");
  EXPECT_EQ(row.at, run_.now());
  EXPECT_EQ(row.actor_kind, ActorKind::user);
  EXPECT_EQ(row.actor, admin_.id);
  EXPECT_EQ(row.actor_member, "aarhus");
  EXPECT_EQ(row.peer, "192.0.2.1");
  EXPECT_EQ(row.object_kind, "user");
  EXPECT_EQ(row.object, anne_.id);
  EXPECT_EQ(row.object_member, "aarhus");
  EXPECT_EQ(row.outcome, AuditOutcome::done);
  EXPECT_EQ(row.before, R"({"role":"user"})");
  EXPECT_EQ(row.after, R"({"role":"builder"})");
  EXPECT_EQ(row.request_id, "req_1");
  EXPECT_EQ(row.times, 1U);
}

TEST_F(Acts, KeepNoNamesOfPeopleAndNoSecrets) {
  run_.advance(1s);
  UserChange change;
  change.name = "Anne Andersen";
  change.email = "other@aarhus.example";
  ASSERT_TRUE(run_.update_user(anne_.id, change, run_.act_of(admin_)));
  EXPECT_EQ(last().after, R"x({"name":"(not kept)","email":"(not kept)"})x");
  MemberChange asked;
  asked.contact = "Anne Andersen\nother@aarhus.example";
  ASSERT_TRUE(run_.update_member("aarhus", asked, run_.act_of(admin_)));
  EXPECT_EQ(last().after, R"x({"contact":"(not kept)"})x");
  const auto key = run_.wish({"aarhus", anne_.id, "my key"}, run_.act_of(anne_));
  ASSERT_TRUE(key);
  ASSERT_TRUE(run_.rotate(key->row.id, run_.now() + 24h, run_.act_of(anne_)));
  ASSERT_TRUE(run_.link(anne_.id));
  for (const store::AuditRow& row : run_.audit()) {
    for (const std::string& text : {row.before, row.after, row.action, row.object, row.actor}) {
      EXPECT_FALSE(text.contains("Anne") || text.contains("example") || text.contains("sk-")) << row.action << text;
    }
  }
}

TEST_F(Acts, ThatChangeNothingLeaveNoRow) {
  const std::size_t before = rows();
  UserChange same;
  same.role = Role::user;
  same.name = "Anne";
  ASSERT_TRUE(run_.update_user(anne_.id, same, run_.act_of(admin_)));
  EXPECT_EQ(rows(), before);
}

TEST_F(Acts, OfWhichTheStoreTakesNoRowAreNotDone) {
  // A row with this act's id is there already, as after a second process with the same chance: the transaction fails.
  struct Stuck final : Random {
    void fill(std::span<std::byte> out) override { std::ranges::fill(out, std::byte{7}); }
  } stuck;
  store::StoreThread thread(std::move(store::open_sqlite_store(folder_ / "other.db").value()), run_.loop().poster());
  Directory directory(thread, stuck);
  ASSERT_TRUE(directory.load({}, run_.now()));
  const auto add = [&](const std::string& id) {
    return run_.loop().result_of<MemberRow>(
        [&](auto then) { directory.add_member(id, id, run_.now(), std::move(then)); });
  };
  ASSERT_TRUE(add("first"));
  EXPECT_EQ(add("second").error().code, Errc::exists);
  EXPECT_EQ(directory.members().size(), 1U);
  EXPECT_EQ(thread.wait_for([](store::Store& s) { return s.members(); })->size(), 1U) << "and nothing half done";
}

TEST_F(Acts, AtTheSameTimeEachSeeWhatTheOneBeforeDid) {
  std::optional<Expected<UserRow>> renamed, promoted;
  UserChange name, role;
  name.name = "Anne A";
  role.role = Role::builder;
  run_->update_user(anne_.id, name, run_.act_of(admin_), [&](auto given) { renamed = std::move(given); });
  run_->update_user(anne_.id, role, run_.act_of(admin_), [&](auto given) { promoted = std::move(given); });
  run_.loop().run_until([&] { return renamed && promoted; });
  const UserRow now = *run_->user(anne_.id);
  EXPECT_EQ(now.name, "Anne A");
  EXPECT_EQ(now.role, Role::builder);
}

TEST_F(Acts, BeyondWhatMayWaitAreRefused) {
  std::size_t done = 0, refused = 0;
  const std::size_t all = limits::acts_waiting_max + 10;
  for (std::size_t i = 0; i < all; ++i) {
    run_->add_user("aarhus", "N" + std::to_string(i), run_.act_of(admin_), [&](Expected<UserRow> given) {
      ++(given ? done : refused);
      EXPECT_TRUE(given || given.error().code == Errc::exhausted);
    });
  }
  run_.loop().run_until([&] { return done + refused == all; });
  EXPECT_EQ(refused, 9U) << "one is under way and the rest waits";
}

TEST_F(Acts, DisablingStopsKeysAndSessionsAtOnceAndEnablingBringsTheKeysBack) {
  const auto key = run_.wish({"aarhus", anne_.id, "my key"}, run_.act_of(anne_));
  const auto session = run_.sign_in(run_.link(anne_.id)->token);
  const auto late = run_.link(anne_.id);
  ASSERT_TRUE(key && session && late);
  run_.advance(1s);
  UserChange off;
  off.disabled = true;
  bool durable = false;
  run_->update_user(anne_.id, off, run_.act_of(admin_), [&](Expected<UserRow> row) { durable = row.has_value(); });
  EXPECT_EQ(run_.denial_of(key->secret), DenialCause::disabled) << "before the store has answered";
  EXPECT_FALSE(run_->authenticate_session(session->token, run_.now()));
  run_.loop().run_until([&] { return durable; });
  EXPECT_EQ(last().before, R"({"disabled":false})");
  EXPECT_FALSE(run_.sign_in(late->token)) << "a link made before";
  UserChange on;
  on.disabled = false;
  ASSERT_TRUE(run_.update_user(anne_.id, on, run_.act_of(admin_)));
  EXPECT_TRUE(run_->authenticate(key->secret, run_.now()));
  EXPECT_FALSE(run_->authenticate_session(session->token, run_.now())) << "signing in again is theirs to do";
}

TEST_F(Acts, WhoeverBecomesAnAuditorOrCeasesToBeOneSignsInAnew) {
  const auto become = [&](Role role) {
    UserChange change;
    change.role = role;
    return run_.update_user(anne_.id, change, run_.now()).has_value();
  };
  for (const Role role : {Role::builder, Role::auditor, Role::operator_, Role::user}) {
    const Role before = run_->user(anne_.id)->role;
    const auto session = run_.sign_in(run_.link(anne_.id)->token);
    const auto late = run_.link(anne_.id);
    ASSERT_TRUE(session && late && become(role));
    const bool stays = has_words(before) == has_words(role);
    EXPECT_EQ(run_->authenticate_session(session->token, run_.now()).has_value(), stays) << name_of(role);
    EXPECT_EQ(run_.sign_in(late->token).has_value(), stays) << "a link made before";
  }
  EXPECT_TRUE(run_.sign_in(run_.link(anne_.id)->token));
}

TEST_F(Acts, DisablingHoldsWhileAnOlderChangeIsWritten) {
  const auto key = run_.wish({"aarhus", anne_.id, "my key"}, run_.act_of(anne_));
  UserChange name, off;
  name.name = "Anne-Marie";
  off.disabled = true;
  bool renamed = false, disabled = false;
  run_->update_user(anne_.id, name, run_.act_of(admin_), [&](Expected<UserRow> row) {
    renamed = row.has_value();
    EXPECT_EQ(run_.denial_of(key->secret), DenialCause::disabled);
  });
  run_->update_user(anne_.id, off, run_.act_of(admin_), [&](Expected<UserRow> row) { disabled = row.has_value(); });
  run_.loop().run_until([&] { return disabled; });
  EXPECT_TRUE(renamed);
  EXPECT_EQ(run_.denial_of(key->secret), DenialCause::disabled);
  EXPECT_EQ(run_->user(anne_.id)->name, "Anne-Marie");
}

TEST_F(Acts, ADisabledUserIsDisabledAfterARestart) {
  const auto key = run_.wish({"aarhus", anne_.id, "my key"}, run_.act_of(anne_));
  const auto session = run_.sign_in(run_.link(anne_.id)->token);
  UserChange off;
  off.disabled = true;
  ASSERT_TRUE(run_.update_user(anne_.id, off, run_.act_of(admin_)));
  run_.store().stop();
  ServerRun again(folder_ / "faelled.db");
  ASSERT_TRUE(again.load());
  EXPECT_EQ(again.denial_of(key->secret), DenialCause::disabled);
  EXPECT_FALSE(again->authenticate_session(session->token, again.now()));
}

TEST_F(Acts, ARefusedDisablingDisablesNobody) {
  UserChange off;
  off.disabled = true;
  EXPECT_EQ(run_.update_user(admin_.id, off, run_.act_of(admin_)).error().code, Errc::forbidden);
  EXPECT_FALSE(run_->user(admin_.id)->disabled_at);
  off.name = "bad\nname";
  EXPECT_EQ(run_.update_user(anne_.id, off, run_.act_of(admin_)).error().code, Errc::invalid);
  EXPECT_FALSE(run_->user(anne_.id)->disabled_at);
}

TEST_F(Acts, RotationLetsTheOldKeyWorkUntilTheChosenTime) {
  const auto old = run_.wish({"aarhus", anne_.id, "my key", run_.now() + 240h}, run_.act_of(anne_));
  const auto fresh = run_.rotate(old->row.id, run_.now() + 24h, run_.act_of(anne_));
  ASSERT_TRUE(fresh) << fresh.error().message;
  EXPECT_NE(fresh->secret, old->secret);
  EXPECT_EQ(fresh->row.rotated_from, old->row.id);
  EXPECT_EQ(fresh->row.user, anne_.id);
  EXPECT_EQ(fresh->row.expires_at, run_.now() + 240h) << "as long a life as the old one had";
  EXPECT_EQ(run_->key(old->row.id)->replaced_by, fresh->row.id);
  EXPECT_TRUE(run_->authenticate(old->secret, run_.now()));
  EXPECT_EQ(run_.rotate(old->row.id, run_.now() + 24h, run_.act_of(anne_)).error().code, Errc::conflict) << "once";
  KeyChange longer;
  longer.expires_at = std::optional<WallTime>();
  EXPECT_EQ(run_.update_key(old->row.id, longer, run_.act_of(anne_)).error().code, Errc::conflict);
  run_.advance(24h);
  EXPECT_EQ(run_.denial_of(old->secret), DenialCause::expired);
  EXPECT_TRUE(run_->authenticate(fresh->secret, run_.now()));
  EXPECT_EQ(run_.rotate(fresh->row.id, run_.now() + limits::key_overlap_max + limits::clocks_apart_max + 1s,
                        run_.act_of(anne_))
                .error()
                .code,
            Errc::invalid);
  ASSERT_TRUE(run_.rotate(fresh->row.id, run_.now() + limits::key_overlap_max + 1s, run_.act_of(anne_)))
      << "by a clock that is ahead";
}

TEST_F(Acts, ThePolicyBoundsTheLifeOfKeysAndWhoMakesThem) {
  run_.advance(1s);
  MemberChange rules;
  rules.policy.key_days_max = 30;
  ASSERT_TRUE(run_.update_member("aarhus", rules, run_.act_of(admin_)));
  EXPECT_EQ(last().before, R"({"key_days_max":null})");
  const auto month = run_.now() + std::chrono::days(30);
  const auto key = run_.wish({"aarhus", anne_.id, "k"}, run_.act_of(anne_));
  EXPECT_EQ(key->row.expires_at, month) << "where nothing is said: as late as may be";
  EXPECT_EQ(run_.wish({"aarhus", anne_.id, "k", month + 1s}, run_.act_of(anne_))->row.expires_at, month)
      << "a month by a clock that is ahead";
  const auto beyond = month + limits::clocks_apart_max + 1s;
  EXPECT_EQ(run_.wish({"aarhus", anne_.id, "k", beyond}, run_.act_of(anne_)).error().code, Errc::forbidden);
  EXPECT_EQ(run_.wish({"aarhus", "", "k", beyond}, run_.now()).error().code, Errc::forbidden)
      << "not by the operator either";
  run_.advance(24h);
  KeyChange change;
  change.expires_at = beyond;
  EXPECT_EQ(run_.update_key(key->row.id, change, run_.act_of(anne_)).error().code, Errc::forbidden)
      << "counted from when it was made";
  change.expires_at = std::optional<WallTime>();
  EXPECT_EQ(run_.update_key(key->row.id, change, run_.act_of(anne_))->expires_at, month);
  MemberChange shorter;
  shorter.policy = rules.policy;
  shorter.policy.key_days_max = 1;
  ASSERT_TRUE(run_.update_member("aarhus", shorter, run_.act_of(admin_)));
  for (const auto& end : {std::optional<WallTime>(), std::optional(run_.now() + 1h)}) {
    change.expires_at = end;
    EXPECT_EQ(run_.update_key(key->row.id, change, run_.act_of(anne_)).error().code, Errc::forbidden);
    EXPECT_TRUE(run_->authenticate(key->secret, run_.now())) << "it goes on as it was, and is not ended by that";
  }
  ASSERT_TRUE(run_.update_member("aarhus", rules, run_.act_of(admin_)));
  rules.policy.key_makers = store::KeyMakers::admins;
  ASSERT_TRUE(run_.update_member("aarhus", rules, run_.act_of(admin_)));
  EXPECT_EQ(run_.wish({"aarhus", anne_.id, "k"}, run_.act_of(anne_)).error().code, Errc::forbidden);
  EXPECT_EQ(run_.rotate(key->row.id, run_.now(), run_.act_of(anne_)).error().code, Errc::forbidden) << "it makes one";
  EXPECT_TRUE(run_.wish({"aarhus", anne_.id, "k"}, run_.act_of(admin_)));
}

TEST_F(Acts, ThePolicyAndTheKeySayWhichModelsMayBeAskedFor) {
  const auto key = run_.wish({"aarhus", anne_.id, "k", {}, {{"small", "large"}}}, run_.act_of(anne_));
  const Caller by_key = *run_->authenticate(key->secret, run_.now());
  const Caller by_page{"aarhus", anne_.id, {}, anne_.id};
  EXPECT_TRUE(run_->allows(by_key, "small", run_.now()) && !run_->allows(by_key, "other", run_.now()) &&
              run_->allows(by_page, "other", run_.now()));
  MemberChange rules;
  rules.policy.models = store::ModelList({"large", "other"});
  ASSERT_TRUE(run_.update_member("aarhus", rules, run_.act_of(admin_)));
  EXPECT_TRUE(run_->allows(by_key, "large", run_.now())) << "both allow it";
  EXPECT_FALSE(run_->allows(by_key, "small", run_.now()));
  EXPECT_FALSE(run_->allows(by_key, "other", run_.now()));
  EXPECT_FALSE(run_->allows(by_page, "small", run_.now()));
}

TEST_F(Acts, EmailsAreOfAMemberOnce) {
  NewUser twin{"Twin"};
  twin.email = "ANNE@aarhus.example";
  EXPECT_EQ(run_.add_user("aarhus", twin, run_.act_of(admin_)).error().code, Errc::exists);
  for (const char* bad : {"a", "@x", "a@", "a@b@c", "a b@c", "a@b\n", "a@\u202Eb"}) {
    twin.email = bad;
    EXPECT_EQ(run_.add_user("aarhus", twin, run_.act_of(admin_)).error().code, Errc::invalid) << bad;
  }
}

TEST_F(Acts, OfTheConfigurationFileAreRowsToo) {
  const ConfiguredKey key{"vejle", "bench", "sk-test0000000000000000000000000001", "Bo"};
  run_.store().stop();
  {
    ServerRun with(folder_ / "faelled.db");
    ASSERT_TRUE(with.load({key}));
    const auto made = with.audit({.member = "vejle"});
    std::vector<std::string> actions;
    for (const auto& row : made) {
      actions.push_back(row.action);
      EXPECT_EQ(row.actor_kind, ActorKind::config);
    }
    std::ranges::sort(actions);
    EXPECT_EQ(actions, (std::vector<std::string>{"key.create", "member.create", "user.create"}));
  }
  {
    ServerRun same(folder_ / "faelled.db");
    ASSERT_TRUE(same.load({key}));
    EXPECT_EQ(same.audit({.member = "vejle"}).size(), 3U) << "nothing changed";
  }
  ServerRun without(folder_ / "faelled.db");
  ASSERT_TRUE(without.load());
  EXPECT_EQ(without.audit({.action = "key.revoke"}).size(), 1U);
}

TEST_F(Acts, RefusalsAreWrittenAtABoundedRateAndNoneIsForgotten) {
  for (int i = 0; i < 500; ++i) run_->audit().refused(run_.act_of(anne_), "user.create", {}, "forbidden");
  run_->audit().flush(std::nullopt);
  std::uint32_t times = 0;
  const auto refused = run_.audit({.action = "user.create"});
  for (const auto& row : refused) times += row.outcome == AuditOutcome::refused ? row.times : 0;
  EXPECT_EQ(times, 500U);
  EXPECT_LE(refused.size(), limits::refusals_written_max + 5);
}

TEST_F(Acts, RemembersWhenAPersonWasHere) {
  EXPECT_FALSE(run_->user(anne_.id)->last_seen_at);
  const auto session = run_.sign_in(run_.link(anne_.id)->token);
  EXPECT_EQ(run_->user(anne_.id)->last_seen_at, run_.now());
  run_.advance(limits::key_last_used_every);
  ASSERT_TRUE(run_->session(session->token, run_.now()));
  EXPECT_EQ(run_->user(anne_.id)->last_seen_at, run_.now());
}

class RetentionTest : public Acts {
 protected:
  void converse(int count, std::chrono::days ago) {
    ASSERT_TRUE(run_.store().wait_for([&](store::Store& s) -> Expected<void> {
      return s.together([&]() -> Expected<void> {
        for (int i = 0; i < count; ++i) {
          const WallTime when = run_.now() - ago;
          auto added = s.add_conversation({"con_" + std::to_string(made_++), anne_.id, "aarhus", "m", {}, when, when});
          if (!added) return added;
        }
        return {};
      });
    }));
  }
  std::size_t left() {
    return run_.store().wait_for([&](store::Store& s) { return s.conversations(anne_.id, {}, 100'000); })->size();
  }
  std::size_t swept() {
    return run_.loop().result_of<std::size_t>([&](auto then) { retention_.run(run_.now(), then); }).value();
  }
  void keep_for(std::optional<std::uint32_t> days) {
    MemberChange rules;
    rules.policy.retention_days = days;
    ASSERT_TRUE(run_.update_member("aarhus", rules, run_.act_of(admin_)));
  }

  Retention retention_{*run_, run_.store()};
  int made_ = 0;
};

TEST_F(RetentionTest, ErasesWhatIsOlderThanTheMemberKeepsItAndNothingElse) {
  converse(3, std::chrono::days(0));
  EXPECT_EQ(swept(), 0U) << "no policy";
  keep_for(30);
  EXPECT_EQ(swept(), 0U);
  run_.advance(std::chrono::days(30));
  EXPECT_EQ(swept(), 0U) << "thirty days are kept";
  converse(2, std::chrono::days(1));
  run_.advance(1s);
  EXPECT_EQ(swept(), 3U);
  EXPECT_EQ(left(), 2U);
  const store::AuditRow row = run_.audit({.action = "conversation.erase"}).front();
  EXPECT_EQ(row.after, R"({"conversations":3})");
  EXPECT_EQ(row.actor_kind, ActorKind::system);
  EXPECT_EQ(row.object_member, "aarhus");
  keep_for(std::nullopt);
  run_.advance(std::chrono::days(3650));
  EXPECT_EQ(swept(), 0U) << "for ever";
}

TEST_F(RetentionTest, ErasesABoundedNumberInOneRun) {
  converse(static_cast<int>(limits::retention_rows_max) + 7, std::chrono::days(2));
  keep_for(1);
  EXPECT_EQ(swept(), limits::retention_rows_max);
  EXPECT_EQ(swept(), 7U);
  EXPECT_EQ(left(), 0U);
}

}  // namespace
}  // namespace faelled::members
