// What several servers on one database, and a database that takes another's place, mean for a store.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "ledger/journal.hpp"
#include "store/ledger.hpp"
#include "store/loop_testing.hpp"
#include "store/postgres/postgres_store.hpp"
#include "store/postgres_server_testing.hpp"
#include "store/store_conformance_testing.hpp"

namespace faelled::store {
namespace {

PostgresServer& server() { return PostgresServer::shared(); }

std::unique_ptr<Store> open(const std::string& url, const std::string& name = "one") {
  auto store = open_postgres_store({.url = url, .server = name});
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(*store);
}

// A standby that took over lacks the last commits of the one before, and numbers its changes anew.
TEST(PostgresStore, TellsEverythingWhereTheDatabaseKnowsLessThanWasHeard) {
  const std::string url = server().new_database();
  auto store = open(url, "one");
  ASSERT_TRUE(store->add_member({"aarhus", "Aarhus", at_second(0)}));
  const std::int64_t heard = store->change_mark().value();
  EXPECT_FALSE(store->changes_since(heard)->everything);
  const Changes told = store->changes_since(heard + 1000).value();
  EXPECT_TRUE(told.everything);
  EXPECT_EQ(told.mark, heard);
}

TEST(PostgresStore, TakesRowsInAgainThatTheDatabaseLostAsAnotherTookItsPlace) {
  const std::string url = server().new_database();
  const TestFolder folder;
  TestLoop loop;
  StoreThread thread(open(url, "one"), loop.poster());
  auto journal = std::move(ledger::Journal::open({.folder = folder / "journal"}).value());
  Ledger ledger(*journal, thread);
  const auto rows_after = [&](int number) {
    ledger::UsageRow row = usage_row(number);
    ledger::UsageRow begun = row;
    begun.outcome = ledger::Outcome::failed;
    journal->closed(std::move(journal->opened(begun).value()), row);
    return loop.result_of<UsagePage>([&](auto then) { ledger.rows({}, "", 100, std::move(then)); })->rows.size();
  };
  EXPECT_EQ(rows_after(1), 1U);
  const std::string before =
      PostgresServer::sql(url, "SELECT 'segment = ' || segment || ', at = ' || at FROM journal_positions");
  EXPECT_EQ(rows_after(2), 2U);
  PostgresServer::sql(url, "UPDATE journal_positions SET " + before);
  PostgresServer::sql(url, "DELETE FROM usage WHERE request_id = '" + usage_row(2).request_id + "'");
  EXPECT_EQ(rows_after(3), 3U) << "each once";
  thread.stop();
}

TEST(PostgresStore, FindsTheAuditOfAnActorAndOfAnObjectByAnIndex) {
  const std::string url = server().new_database();
  auto store = open(url, "one");
  for (const auto& [column, index] : {std::pair("actor", "audit_of_actor"), std::pair("object", "audit_of_object")}) {
    const std::string plan =
        PostgresServer::sql(url, std::string("SET enable_seqscan = off; EXPLAIN (FORMAT JSON) "
                                             "SELECT id FROM audit WHERE at >= 0 AND ") +
                                     column + " = 'usr_a' AND " + column + " != '' ORDER BY at DESC, id DESC LIMIT 10");
    EXPECT_NE(plan.find(index), plan.npos) << plan;
  }
}

TEST(PostgresStore, OfServersThatTakeTurnsEachSeesWhatTheOneBeforeHasDone) {
  const std::string url = server().new_database();
  auto one = open(url, "one"), two = open(url, "two");
  std::vector<TierRow> seen;
  std::jthread second;
  EXPECT_TRUE(one->together([&]() -> Expected<void> {
    EXPECT_TRUE(one->take_turn());
    second = std::jthread([&] {
      EXPECT_TRUE(two->together([&]() -> Expected<void> {
        if (auto mine = two->take_turn(); !mine) return mine;
        seen = two->tiers().value();
        return {};
      }));
    });
    const std::string waiting =
        "SELECT count(*) FROM pg_locks JOIN pg_database ON database = pg_database.oid "
        "WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()";
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (PostgresServer::sql(url, waiting) != "1" && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    return one->set_tier(tier_row("stor"));
  }));
  second.join();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].id, "stor");
}

// Invariant: what is taken away stays away. A change that is committed while another server asks is told then or next.
TEST(PostgresStore, TellsEachChangeWheneverItIsCommitted) {
  const std::string url = server().new_database();
  auto one = open(url, "one");
  auto two = open(url, "two");
  std::int64_t mark = one->change_mark().value();
  std::set<std::string> made, told;
  for (int i = 0; i < 400; ++i) made.insert("m" + std::to_string(i));
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (const std::string& id : made) EXPECT_TRUE(two->add_member({id, "M", at_second(0)}));
    done = true;
  });
  for (bool last = false; !last;) {
    last = done;
    const auto changes = one->changes_since(mark);
    if (!changes || changes->everything) {
      ADD_FAILURE() << (changes ? "everything is said to have changed" : changes.error().message);
      break;
    }
    mark = changes->mark;
    for (const MemberRow& row : changes->members) told.insert(row.id);
  }
  writer.join();
  EXPECT_EQ(told, made);
}

TEST(PostgresStore, TellsWhatAnotherServerChanged) {
  const std::string url = server().new_database();
  auto one = open(url, "one");
  auto two = open(url, "two");
  const std::int64_t begin = one->change_mark().value();
  ASSERT_TRUE(two->add_member({"aarhus", "Aarhus", at_second(0)}));
  ASSERT_TRUE(two->add_user(user_row("a", "aarhus")));
  KeyRow key = key_row("a", "aarhus");
  ASSERT_TRUE(two->add_key(key));
  const SessionRow session{crypto::sha256("1"), "usr_a", at_second(0), at_second(10)};
  ASSERT_TRUE(two->add_session(session));
  auto told = one->changes_since(begin).value();
  EXPECT_FALSE(told.everything);
  EXPECT_EQ(told.members, two->members().value());
  EXPECT_EQ(told.users, two->users().value());
  EXPECT_EQ(told.keys, std::vector{key});
  EXPECT_EQ(told.sessions, std::vector{session});
  EXPECT_EQ(one->changes_since(told.mark)->mark, told.mark) << "told once";

  ASSERT_TRUE(two->set_key_last_used(key.id, at_second(3)));
  EXPECT_TRUE(one->changes_since(told.mark)->keys.empty()) << "nobody needs to hear of that";
  key.revoked_at = at_second(5);
  ASSERT_TRUE(two->update_key(key));
  ASSERT_TRUE(two->remove_session(session.hash));
  told = one->changes_since(told.mark).value();
  ASSERT_EQ(told.keys.size(), 1U);
  EXPECT_EQ(told.keys.front().revoked_at, key.revoked_at);
  EXPECT_EQ(told.sessions_gone, std::vector{session.hash});

  ASSERT_TRUE(two->set_tier(tier_row("stor")));
  ASSERT_TRUE(two->add_agreement(agreement_row(1)));
  told = one->changes_since(told.mark).value();
  EXPECT_EQ(told.tiers, two->tiers().value());
  EXPECT_EQ(told.agreements, two->agreements(at_second(1)).value());
  ASSERT_TRUE(two->end_agreement("agr_1001", at_second(5), ActorKind::owner, ""));
  ASSERT_TRUE(two->remove_tier("stor"));
  told = one->changes_since(told.mark).value();
  EXPECT_EQ(told.agreements.at(0).ended_at, at_second(5));
  EXPECT_EQ(told.tiers, std::vector<TierRow>());

  const NamedRow model{"gemma", 1, "{}", at_second(6)}, alias{"best", 1, "{}", at_second(6)};
  ASSERT_TRUE(two->set_named(NamedKind::model, model));
  ASSERT_TRUE(two->set_named(NamedKind::alias, alias));
  told = one->changes_since(told.mark).value();
  EXPECT_EQ(told.models, std::vector{model});
  EXPECT_EQ(told.aliases, std::vector{alias});

  const std::int64_t old = told.mark;
  ASSERT_TRUE(two->together([&] {
    for (std::size_t i = 0; i <= limits::store_changes_read_max; ++i)
      if (auto added = two->add_member({"m" + std::to_string(i), "M", at_second(0)}); !added) return added;
    return Expected<void>();
  }));
  told = one->changes_since(old).value();
  EXPECT_TRUE(told.everything) << "too much to be told row by row";
  EXPECT_TRUE(one->changes_since(told.mark)->members.empty());
  PostgresServer::sql(url, "UPDATE changes SET made_at = 0");
  ASSERT_TRUE(one->remove_expired(at_second(1'000'000)));
  EXPECT_TRUE(one->changes_since(old)->everything) << "what lay between is told no more";
}

}  // namespace
}  // namespace faelled::store
