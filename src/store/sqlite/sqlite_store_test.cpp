#include "store/sqlite/sqlite_store.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "store/loop_testing.hpp"
#include "store/sqlite/migrations.hpp"
#include "store/store_conformance_testing.hpp"

namespace faelled::store {
namespace {

std::unique_ptr<Store> in_memory() { return std::move(open_sqlite_store(":memory:").value()); }

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, testing::Values(StoreMaker{in_memory}),
                         [](const auto&) { return "InMemory"; });

// What SQLite says to it; empty: it is done.
std::string try_sql(const std::filesystem::path& file, const char* sql) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
  std::string said;
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) said = sqlite3_errmsg(db);
  sqlite3_close(db);
  return said;
}

void run_sql(const std::filesystem::path& file, const char* sql) { ASSERT_EQ(try_sql(file, sql), ""); }

TEST(SqliteStore, RemembersAcrossAnEnd) {
  const TestFolder folder;
  {
    ASSERT_TRUE((*open_sqlite_store(folder / "faelled.db"))->add_member({"aarhus", "Aarhus", at_second(0)}));
  }
  EXPECT_EQ((*open_sqlite_store(folder / "faelled.db"))->members()->size(), 1U);
}

TEST(SqliteStore, OfANewerVersionIsRefusedWithTheWayOut) {
  const TestFolder folder;
  {
    ASSERT_TRUE(open_sqlite_store(folder / "faelled.db"));
  }
  run_sql(folder / "faelled.db", "PRAGMA user_version = 9999");
  const auto again = open_sqlite_store(folder / "faelled.db");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::incompatible);
  EXPECT_FALSE(again.error().hint.empty());
}

// As the last version before there were branches left it.
void make_without_branches(const std::filesystem::path& folder, const std::filesystem::path& file) {
  for (std::size_t steps = 1;; ++steps) {
    std::int64_t branches = 0;
    auto later = std::move(sqlite::Connection::open(folder / std::to_string(steps)).value());
    ASSERT_TRUE(sqlite::migrate(*later, folder / std::to_string(steps), steps));
    ASSERT_TRUE(later->each("SELECT count(*) FROM pragma_table_info('messages') WHERE name = 'parent'",
                            [&](sql::Row& row) { branches = row.number(); }));
    if (branches == 0) continue;
    auto before = std::move(sqlite::Connection::open(file).value());
    ASSERT_TRUE(sqlite::migrate(*before, file, steps - 1));
    return;
  }
}

TEST(SqliteStore, MakesOneBranchOfAConversationFromBeforeThereWereBranches) {
  const TestFolder folder;
  make_without_branches(folder.path(), folder / "faelled.db");
  run_sql(folder / "faelled.db",
          "INSERT INTO members (id, name, created_at) VALUES ('aarhus', 'Aarhus', 0);"
          "INSERT INTO users (id, member, name, created_at) VALUES ('usr_a', 'aarhus', 'Anne', 0)");
  for (const std::string conversation : {"con_1", "con_2"}) {
    std::string sql = "INSERT INTO conversations (id, user, member, model, title, created_at, updated_at) VALUES ('" +
                      conversation + "', 'usr_a', 'aarhus', 'gemma', x'00', 0, 0);";
    for (const char* name : {"c", "a", "b"})  // ids do not order them
      sql +=
          "INSERT INTO messages (id, conversation, role, state, content, model, request_id, error_message, "
          "error_message_da, created_at) VALUES ('" +
          conversation + name + "', '" + conversation + "', 0, 0, x'00', '', '', '', '', 0);";
    run_sql(folder / "faelled.db", sql.c_str());
  }
  auto store = std::move(open_sqlite_store(folder / "faelled.db").value());
  const auto messages = store->messages("con_2").value();
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[0].parent, "");
  EXPECT_EQ(messages[1].parent, "con_2c");
  EXPECT_EQ(messages[2].parent, "con_2a");
  EXPECT_TRUE(store->conversation("usr_a", "con_1")->leaf.empty());
}

TEST(SqliteStore, FindsModelsAndAliasesThatWereSettings) {
  const TestFolder folder;
  {
    auto before = std::move(sqlite::Connection::open(folder / "faelled.db").value());
    ASSERT_TRUE(sqlite::migrate(*before, folder / "faelled.db", 6));
    ASSERT_TRUE(before->run(R"(INSERT INTO settings VALUES ('model/a', '{"version":3,"definition":null}', 5),
      ('model/bad', '{', 5), ('alias/best', '{"version":12,"model":"a"}', 6), ('bulletin', '{}', 7))"));
  }
  auto store = std::move(open_sqlite_store(folder / "faelled.db").value());
  EXPECT_EQ(store->named(NamedKind::model, "", 10).value(),
            (std::vector<NamedRow>{{"a", 3, R"({"version":3,"definition":null})", from_unix_micros(5)},
                                   {"bad", 0, "{", from_unix_micros(5)}}));
  EXPECT_EQ(store->named(NamedKind::alias, "", 10).value(),
            (std::vector<NamedRow>{{"best", 12, R"({"version":12,"model":"a"})", from_unix_micros(6)}}));
  ASSERT_EQ(store->settings()->size(), 1U);
  EXPECT_EQ(store->settings()->front().key, "bulletin");
}

TEST(SqliteStore, OfAnotherProgramIsRefusedAndLeftAsItIs) {
  const TestFolder folder;
  run_sql(folder / "faelled.db", "CREATE TABLE theirs (a)");
  const auto read = [&] {
    std::ifstream stream(folder / "faelled.db", std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(stream), {}};
  };
  const std::string before = read();
  EXPECT_EQ(open_sqlite_store(folder / "faelled.db").error().code, Errc::incompatible);
  EXPECT_EQ(read(), before);
}

TEST(SqliteStore, ThatIsNoDatabaseIsRefused) {
  const TestFolder folder;
  std::ofstream(folder / "faelled.db") << std::string(5000, 'x');
  const auto store = open_sqlite_store(folder / "faelled.db");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::incompatible);
  EXPECT_FALSE(store.error().hint.empty());
}

TEST(SqliteStore, InAFolderThatIsNotThereIsRefused) {
  EXPECT_EQ(open_sqlite_store("/nonexistent/faelled.db").error().code, Errc::io);
}

// Invariant: promised is promised
TEST(SqliteStore, LetsNobodyChangeOrRemoveAnAgreement) {
  const TestFolder folder;
  const auto file = folder / "faelled.db";
  auto store = std::move(open_sqlite_store(file).value());
  ASSERT_TRUE(store->add_member({"aarhus", "Aarhus", at_second(0)}));
  ASSERT_TRUE(store->add_agreement(agreement_row(1)));
  ASSERT_TRUE(store->end_agreement("agr_1001", at_second(2), ActorKind::owner, ""));
  const auto kept = store->agreement_history("", "", 10)->rows;
  store.reset();
  for (const char* sql : {"UPDATE agreements SET share = 2", "UPDATE agreements SET ended_at = NULL",
                          "DELETE FROM agreements", "INSERT OR REPLACE INTO agreements SELECT * FROM agreements"})
    EXPECT_TRUE(try_sql(file, sql).starts_with("a")) << sql;
  EXPECT_EQ((*open_sqlite_store(file))->agreement_history("", "", 10)->rows, kept);
}

// Invariant: audited
TEST(SqliteStore, LetsNobodyChangeOrRemoveAnAuditRow) {
  const TestFolder folder;
  {
    auto store = std::move(open_sqlite_store(folder / "faelled.db").value());
    ASSERT_TRUE(store->add_audit(audit_row(1)));
  }
  for (const char* sql :
       {"UPDATE audit SET actor = ''", "UPDATE audit SET at = at", "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT id, at, actor_kind, 'usr_b', actor_member, peer, action, object_kind, "
        "object, object_member, outcome, before, after, request_id, times, member FROM audit"}) {
    EXPECT_TRUE(try_sql(folder / "faelled.db", sql).starts_with("audit rows are never")) << sql;
  }
  EXPECT_EQ((*open_sqlite_store(folder / "faelled.db"))->audit({}, "", 10)->rows, std::vector{audit_row(1)});
}

// What the first released schema held, as it stands in the file of somebody who updates.
TEST(SqliteStore, OfTheFirstSchemaIsBroughtUpToDateWithAllItHolds) {
  const TestFolder folder;
  run_sql(folder / "faelled.db", R"sql(
    CREATE TABLE members (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE users (id TEXT PRIMARY KEY, member TEXT NOT NULL REFERENCES members, name TEXT NOT NULL,
      created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE keys (id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, member TEXT NOT NULL REFERENCES members,
      user TEXT REFERENCES users, name TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER,
      revoked_at INTEGER, last_used_at INTEGER, origin INTEGER NOT NULL, revoked_by INTEGER NOT NULL)
      STRICT, WITHOUT ROWID;
    CREATE TABLE sessions (hash BLOB PRIMARY KEY, user TEXT NOT NULL REFERENCES users, created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE sign_in_links (hash BLOB PRIMARY KEY, user TEXT NOT NULL REFERENCES users,
      created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER) STRICT, WITHOUT ROWID;
    CREATE TABLE conversations (id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users,
      member TEXT NOT NULL REFERENCES members, model TEXT NOT NULL, title BLOB NOT NULL, created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE messages (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
      conversation TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE, role INTEGER NOT NULL,
      state INTEGER NOT NULL, content BLOB NOT NULL, model TEXT NOT NULL, request_id TEXT NOT NULL,
      error_message TEXT NOT NULL, error_message_da TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
    CREATE TABLE usage (request_id TEXT PRIMARY KEY, member TEXT NOT NULL, caller TEXT NOT NULL, key TEXT NOT NULL,
      user TEXT NOT NULL, model TEXT NOT NULL, started_at INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
      cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, queue_us INTEGER NOT NULL,
      load_us INTEGER NOT NULL, engine_us INTEGER NOT NULL, total_us INTEGER NOT NULL, outcome INTEGER NOT NULL,
      cause TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE journal_position (one INTEGER PRIMARY KEY CHECK (one = 1), segment INTEGER NOT NULL,
      at INTEGER NOT NULL) STRICT;
    CREATE TABLE member_data_keys (member TEXT PRIMARY KEY REFERENCES members, wrapped BLOB NOT NULL)
      STRICT, WITHOUT ROWID;
    INSERT INTO members VALUES ('aarhus', 'Aarhus', 1780000000000000);
    INSERT INTO users VALUES ('usr_a', 'aarhus', 'Anne', 1780000000000000);
    INSERT INTO keys VALUES ('key_a', zeroblob(32), 'aarhus', 'usr_a', 'a', 1780000000000000, NULL, NULL, NULL, 0, 0);
    PRAGMA application_id = 1180788076; PRAGMA user_version = 1;)sql");
  auto store = std::move(open_sqlite_store(folder / "faelled.db").value());
  EXPECT_EQ(store->members()->front(), (MemberRow{"aarhus", "Aarhus", at_second(0)}));
  EXPECT_EQ(store->users()->front(), (UserRow{"usr_a", "aarhus", "Anne", at_second(0)}));
  KeyRow key = key_row("a", "aarhus");
  key.hash = {};
  key.user = "usr_a";
  EXPECT_EQ(store->keys()->front(), key);
  EXPECT_TRUE(store->add_audit(audit_row(1)));
}

// A limit on file sizes stands in for a full disk.
TEST(SqliteStore, SaysThatTheDiskIsFullAndLosesNothing) {
  const TestFolder folder;
  auto store = std::move(open_sqlite_store(folder / "faelled.db").value());
  ASSERT_TRUE(store->add_member({"aarhus", "Aarhus", at_second(0)}));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{200 * 1024, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Expected<void> added;
  int kept = 0;
  for (; added && kept < 5000; ++kept) {
    added = store->add_member({"member" + std::to_string(kept), std::string(190, 'n'), at_second(0)});
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(added);
  EXPECT_FALSE(added.error().hint.empty());
  EXPECT_EQ(store->members()->size(), static_cast<std::size_t>(kept)) << "those that were told they are there, are";
  EXPECT_TRUE(store->add_member({"later", "Later", at_second(0)})) << "with room again it goes on";
}

}  // namespace
}  // namespace faelled::store
