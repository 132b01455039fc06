#include "store/sqlite/sqlite_store.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "store/loop_testing.hpp"
#include "store/store_conformance_testing.hpp"

namespace faelled::store {
namespace {

std::unique_ptr<Store> in_memory() { return std::move(open_sqlite_store(":memory:").value()); }

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, testing::Values(StoreMaker{in_memory}),
                         [](const auto&) { return "InMemory"; });

void run_sql(const std::filesystem::path& file, const char* sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}

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
