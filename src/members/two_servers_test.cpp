// Invariant: what is taken away stays away. Two servers on one database, of which one acts before it has heard what the
// other did.
#include <algorithm>

#include "members/server_run_testing.hpp"
#include "store/full_line_testing.hpp"
#include "store/sql/sql_store.hpp"
#include "store/sqlite/connection.hpp"

namespace faelled::members {
namespace {

using store::Role;

// A file that two servers share, as they share PostgreSQL: whoever asks is told to read all again. What is looked at in
// a transaction is looked at in a turn, or another server may change it before it is written.
class SharedStore final : public store::sql::SqlStore {
 public:
  explicit SharedStore(std::unique_ptr<store::sqlite::Connection> db) : SqlStore(*db), db_(std::move(db)) {}

  Expected<void> together(const std::function<Expected<void>()>& work) override {
    inside_ = true;
    auto done = SqlStore::together(work);
    inside_ = in_turn_ = false;
    return done;
  }
  Expected<void> take_turn() override {
    EXPECT_TRUE(inside_);
    in_turn_ = true;
    return {};
  }
  Expected<std::vector<store::TierRow>> tiers() override {
    EXPECT_TRUE(in_turn_ || !inside_);
    return SqlStore::tiers();
  }

  Expected<std::int64_t> change_mark() override { return 1; }
  Expected<store::Changes> changes_since(std::int64_t mark) override {
    EXPECT_TRUE(in_turn_ || !inside_);
    store::Changes out;
    out.mark = mark;
    out.everything = true;
    return out;
  }
  Expected<void> add_usage(std::span<const ledger::UsageRow>, ledger::Position) override { return {}; }
  Expected<ledger::Position> journal_position() override { return ledger::Position{}; }
  Expected<store::UsageSumPage> usage_sums(const store::UsageFilter&, const std::optional<store::UsageKey>&,
                                           std::size_t) override {
    return store::UsageSumPage{};
  }
  Expected<std::vector<store::UsageSum>> usage_hours(const store::UsageFilter&) override {
    return std::vector<store::UsageSum>{};
  }
  Expected<store::UsagePage> usage_rows(const store::UsageFilter&, const std::string&, std::size_t) override {
    return store::UsagePage{};
  }
  Expected<void> add_message(const store::SealedMessage&) override { return {}; }
  Expected<std::size_t> fail_running_messages(const std::string&, const std::string&) override { return 0; }

 private:
  std::unique_ptr<store::sqlite::Connection> db_;
  bool inside_ = false, in_turn_ = false;
};

std::unique_ptr<store::Store> opened(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) (void)store::open_sqlite_store(file).value();
  return std::make_unique<SharedStore>(std::move(store::sqlite::Connection::open(file).value()));
}

class TwoServers : public DirectoryTest {
 protected:
  TwoServers() : here_(opened(folder_ / "faelled.db")), there_(opened(folder_ / "faelled.db")) {
    EXPECT_TRUE(here_.load());
    EXPECT_TRUE(here_->ensure_member("aarhus", "Aarhus", here_.now()));
    admin_ = *here_.add_user("aarhus", {"Ada", Role::member_admin}, here_.now());
    anne_ = *here_.add_user("aarhus", {"Anne", Role::user}, here_.now());
    key_ = *here_.wish({"aarhus", anne_.id, "hers", {}, {{"small", "large"}}}, here_.act_of(anne_));
    here_.follow();
    EXPECT_TRUE(there_.load());
  }

  UserRow stored_user() {
    const auto all = there_.store().wait_for([](store::Store& s) { return s.users(); }).value();
    return *std::ranges::find(all, anne_.id, &UserRow::id);
  }
  std::vector<KeyRow> stored_keys() {
    return there_.store().wait_for([](store::Store& s) { return s.keys(); }).value();
  }
  KeyRow stored_key() {
    const auto all = stored_keys();
    return *std::ranges::find(all, key_.row.id, &KeyRow::id);
  }
  static KeyChange named(const std::string& name) {
    KeyChange change;
    change.name = name;
    return change;
  }

  ServerRun here_, there_;
  UserRow admin_, anne_;
  NewKey key_;
};

TEST_F(TwoServers, AChangedKeyThatWasRevokedStaysRevoked) {
  ASSERT_TRUE(there_.revoke(key_.row.id));
  EXPECT_EQ(here_.update_key(key_.row.id, named("other"), here_.act_of(anne_)).error().code, Errc::conflict);
  EXPECT_EQ(here_.rotate(key_.row.id, here_.now(), here_.act_of(anne_)).error().code, Errc::conflict);
  EXPECT_TRUE(stored_key().revoked_at);
  EXPECT_EQ(stored_keys().size(), 1U);
  here_.follow();
  EXPECT_EQ(here_.denial_of(key_.secret), DenialCause::revoked);
}

TEST_F(TwoServers, AKeyIsRotatedOnceAndNoChangeBringsTheOldOneBack) {
  const auto fresh = there_.rotate(key_.row.id, there_.now(), there_.act_of(anne_));
  ASSERT_TRUE(fresh);
  EXPECT_EQ(here_.update_key(key_.row.id, named("other"), here_.act_of(anne_)).error().code, Errc::conflict);
  EXPECT_EQ(here_.rotate(key_.row.id, here_.now() + 24h, here_.act_of(anne_)).error().code, Errc::conflict);
  EXPECT_EQ(stored_key().replaced_by, fresh->row.id);
  EXPECT_EQ(stored_key().expires_at, there_.now());
  EXPECT_EQ(stored_keys().size(), 2U);
}

TEST_F(TwoServers, RevokingGoesBeforeWhateverElseWasDone) {
  KeyChange narrower;
  narrower.models = store::ModelList({"small"});
  ASSERT_TRUE(there_.update_key(key_.row.id, narrower, there_.act_of(admin_)));
  EXPECT_EQ(here_.update_key(key_.row.id, named("other"), here_.act_of(anne_)).error().code, Errc::conflict)
      << "it would be as wide as before";
  ASSERT_TRUE(here_.revoke(key_.row.id));
  EXPECT_TRUE(stored_key().revoked_at);
  EXPECT_EQ(stored_key().models, narrower.models);
}

TEST_F(TwoServers, WhoeverWasDisabledIsEnabledOnPurposeAlone) {
  UserChange off, builder, on;
  off.disabled = true;
  on.disabled = false;
  builder.role = Role::builder;
  ASSERT_TRUE(there_.update_user(anne_.id, off, there_.act_of(admin_)));
  EXPECT_EQ(here_.update_user(anne_.id, builder, here_.act_of(admin_)).error().code, Errc::conflict);
  EXPECT_EQ(here_.update_user(anne_.id, on, here_.act_of(admin_)).error().code, Errc::conflict)
      << "nobody here has seen that she is disabled";
  EXPECT_TRUE(stored_user().disabled_at);
  EXPECT_EQ(stored_user().role, Role::user);
  here_.follow();
  EXPECT_EQ(here_.denial_of(key_.secret), DenialCause::disabled);
  ASSERT_TRUE(here_.update_user(anne_.id, on, here_.act_of(admin_)));
  EXPECT_FALSE(stored_user().disabled_at);
}

TEST_F(TwoServers, DisablingGoesBeforeWhateverElseWasDone) {
  UserChange off, builder;
  off.disabled = true;
  builder.role = Role::builder;
  ASSERT_TRUE(there_.update_user(anne_.id, builder, there_.act_of(admin_)));
  ASSERT_TRUE(here_.update_user(anne_.id, off, here_.act_of(admin_)));
  EXPECT_TRUE(stored_user().disabled_at);
  EXPECT_EQ(stored_user().role, Role::builder);
}

TEST_F(TwoServers, AMembersPolicyIsChangedFromWhatItIs) {
  MemberChange shorter, makers;
  shorter.policy.retention_days = 30;
  makers.policy.key_makers = store::KeyMakers::admins;
  ASSERT_TRUE(there_.update_member("aarhus", shorter, there_.act_of(admin_)));
  EXPECT_EQ(here_.update_member("aarhus", makers, here_.act_of(admin_)).error().code, Errc::conflict);
  here_.follow();
  ASSERT_TRUE(here_.update_member("aarhus", makers, here_.act_of(admin_)));
  EXPECT_EQ(here_->member("aarhus")->policy.retention_days, 30U);
}

TEST_F(TwoServers, ATierIsChangedAndPromisedFromWhatItIs) {
  const auto carry_out = [](ServerRun& run, std::int64_t places, bool promised) {
    AgreementWish wish;
    wish.tiers = {{"stor", "Stor", 20, places, 60, {}, 199'800}};
    if (promised) wish.agreements = {{"aarhus", "stor", std::chrono::floor<std::chrono::days>(run.now())}};
    const AgreementFacts facts{[](std::string_view) { return true; }, [] { return std::vector<std::string>(); }, 100};
    return run.loop().result_of<AgreementPlan>([&](auto then) {
      run->agreements().carry_out(std::move(wish), facts, {}, Act(run.now(), {store::ActorKind::owner}),
                                  std::move(then));
    });
  };
  ASSERT_TRUE(carry_out(here_, 8, false));
  there_.follow();
  ASSERT_TRUE(carry_out(there_, 4, false));
  EXPECT_EQ(carry_out(here_, 16, false).error().code, Errc::conflict);
  EXPECT_EQ(carry_out(here_, 8, true).error().code, Errc::conflict) << "of what it was";
  here_.follow();
  EXPECT_EQ(here_->agreements().tier("stor")->places, 4U);
  EXPECT_TRUE(here_->agreements().open("aarhus", here_.now()).empty());
  ASSERT_TRUE(carry_out(here_, 16, true));
}

// As servers do that start at once on an empty database.
TEST_F(DirectoryTest, WhoIsInTheConfigurationIsMadeOnce) {
  ServerRun one(opened(folder_ / "faelled.db")), two(opened(folder_ / "faelled.db"));
  ASSERT_TRUE(one.load());
  ASSERT_TRUE(two.load());
  ASSERT_TRUE(one->ensure_member("aarhus", "Aarhus", one.now()));
  const auto member = two->ensure_member("aarhus", "Århus", two.now());
  ASSERT_TRUE(member) << member.error().message;
  EXPECT_EQ(member->name, "Aarhus");
  const auto anne = one->ensure_user("aarhus", "Anne", one.now());
  ASSERT_TRUE(anne);
  EXPECT_EQ(two->ensure_user("aarhus", "Anne", two.now())->id, anne->id);
  EXPECT_EQ(two->user(anne->id)->name, "Anne");
  EXPECT_EQ(one.store().wait_for([](store::Store& s) { return s.users(); })->size(), 1U);
}

TEST_F(TwoServers, ActsOfOneServerFollowOnEachOther) {
  ASSERT_TRUE(here_.update_key(key_.row.id, named("one"), here_.act_of(anne_)));
  ASSERT_TRUE(here_.update_key(key_.row.id, named("two"), here_.act_of(anne_)));
  EXPECT_EQ(stored_key().name, "two");
}

// The statement itself refuses, for what lies between the look and the write.
TEST_F(DirectoryTest, NoWriteRevivesAKeyThatAPersonRevoked) {
  const auto opened = std::move(store::open_sqlite_store(folder_ / "faelled.db").value());
  store::Store& store = *opened;
  KeyRow row;
  row.id = "key_1";
  row.hash = crypto::sha256("1");
  row.member = "aarhus";
  ASSERT_TRUE(store.add_member({"aarhus", "Aarhus", from_unix_micros(1)}));
  ASSERT_TRUE(store.add_key(row));
  KeyRow revoked = row;
  revoked.revoked_at = from_unix_micros(5);
  revoked.revoked_by = store::RevokedBy::config;
  ASSERT_TRUE(store.update_key(revoked));
  ASSERT_TRUE(store.update_key(row)) << "it is in the configuration again";
  KeyRow rotated = row;
  rotated.replaced_by = "key_2";
  ASSERT_TRUE(store.update_key(rotated));
  EXPECT_EQ(store.update_key(row).error().code, Errc::conflict);
  rotated.replaced_by = "key_3";
  EXPECT_EQ(store.update_key(rotated).error().code, Errc::conflict);
  revoked.revoked_by = store::RevokedBy::person;
  ASSERT_TRUE(store.update_key(revoked)) << "by somebody who does not know of the rotation";
  EXPECT_EQ(store.update_key(row).error().code, Errc::conflict);
  EXPECT_EQ(store.keys()->front().replaced_by, "key_2");
  row.id = "key_none";
  EXPECT_EQ(store.update_key(row).error().code, Errc::not_found);
}

TEST_F(TwoServers, ALinkWorksWhereItsPersonIsNotKnownYet) {
  const UserRow bo = *there_.add_user("aarhus", {"Bo", Role::user}, there_.now());
  const auto link = there_.link(bo.id);
  ASSERT_TRUE(link);
  const auto session = here_.sign_in(link->token);
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_EQ(session->user.name, "Bo");
  EXPECT_EQ(session->member.id, "aarhus");
  EXPECT_TRUE(here_->authenticate_session(session->token, here_.now()));
  EXPECT_FALSE(here_.sign_in(link->token)) << "once";
}

// On a store of its own too: what could not be written when it was done is, once the store takes it.
TEST_F(DirectoryTest, ASignOutThatCouldNotBeWrittenIsWrittenLater) {
  std::string token;
  {
    ServerRun run(folder_ / "faelled.db");
    ASSERT_TRUE(run.load());
    ASSERT_TRUE(run->ensure_member("aarhus", "Aarhus", run.now()));
    token = run.sign_in(run.link(run->ensure_user("aarhus", "Anne", run.now())->id)->token)->token;
    store::FullLine full(run.store());
    bool told = false;
    run->sign_out(token, [&told](Expected<void>) { told = true; });
    run.loop().run_until([&told] { return told; });
    full.drain();
    run.follow();
  }
  ServerRun again(folder_ / "faelled.db");
  ASSERT_TRUE(again.load());
  EXPECT_FALSE(again->authenticate_session(token, again.now()));
}

}  // namespace
}  // namespace faelled::members
