// How PostgreSQL is found and talked to, whatever else answers at its address and however it was set up.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdlib>
#include <future>
#include <thread>

#include "store/conversations.hpp"
#include "store/copy.hpp"
#include "store/postgres/migrations.hpp"
#include "store/postgres/postgres_store.hpp"
#include "store/postgres_server_testing.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "store/store_conformance_testing.hpp"

namespace faelled::store {
namespace {

using namespace std::chrono_literals;

PostgresServer& server() { return PostgresServer::shared(); }

std::unique_ptr<Store> open(const std::string& url, const std::string& name = "one") {
  auto store = open_postgres_store({.url = url, .server = name});
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(*store);
}

std::unique_ptr<postgres::Connection> connect(const std::string& url) {
  return std::move(postgres::Connection::open(std::move(*postgres::Address::of(url, {}, {}))).value());
}

// A port of this machine that takes connections and never says a word.
class SilentPort {
 public:
  SilentPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    port_ = ntohs(at.sin_port);
  }
  ~SilentPort() { ::close(fd_); }
  SilentPort(const SilentPort&) = delete;
  std::string port() const { return std::to_string(port_); }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Environment() { ::unsetenv(name_); }
  Environment(const Environment&) = delete;

 private:
  const char* name_;
};

std::string mode_of(const std::string& url) {
  const auto address = postgres::Address::of(url, {}, {});
  EXPECT_TRUE(address) << url;
  for (const auto& [keyword, value] : address->parameters())
    if (keyword == "sslmode") return value;
  return {};
}

TEST(PostgresAddress, ProvesTheServersCertificateOverANetworkUnlessToldOtherwise) {
  EXPECT_EQ(mode_of("postgresql://db.example.dk/faelled"), "verify-full");
  EXPECT_EQ(mode_of("postgresql://127.0.0.1,db.example.dk/faelled"), "verify-full");
  EXPECT_EQ(mode_of("postgresql://db.example.dk/faelled?sslmode=require"), "require");
  for (const char* near : {"127.0.0.1", "127.1.2.3", "[::1]", "localhost", "localhost,[::1]"})
    EXPECT_EQ(mode_of("postgresql://" + std::string(near) + "/faelled"), "") << near;
  EXPECT_EQ(mode_of("postgresql:///faelled?host=/run/postgresql"), "");
  EXPECT_EQ(mode_of("postgresql://localhost/faelled?hostaddr=127.0.0.1"), "");
}

TEST(PostgresAddress, ProvesItWhereverSomebodyElseMayAnswer) {
  for (const char* url :
       {"postgresql:///faelled?hostaddr=10.0.0.5", "postgresql://localhost/faelled?hostaddr=10.0.0.5",
        "postgresql://localhost,localhost/faelled?hostaddr=127.0.0.1,10.0.0.5", "postgresql:///faelled?service=prod",
        "postgresql://localhost/faelled?service=prod", "postgresql:///faelled", "postgresql://127.evil.example/faelled",
        "postgresql://127.0.0.1.evil.example/faelled", "postgresql://localhost,/faelled"})
    EXPECT_EQ(mode_of(url), "verify-full") << url;
  for (const char* name : {"PGHOSTADDR", "PGSERVICE"}) {
    const Environment elsewhere(name, "10.0.0.5");
    EXPECT_EQ(mode_of("postgresql://localhost/faelled"), "verify-full") << name;
  }
}

TEST(PostgresAddress, AsksNoProofOfASocketOfThisMachine) {
  const std::string url = server().new_database();
  EXPECT_TRUE(open_postgres_store({.url = url + "&sslmode=verify-full"}));
  const Environment default_place("PGHOST", url.substr(url.find("host=") + 5).c_str());
  const std::string name = url.substr(0, url.find('?'));
  EXPECT_EQ(mode_of(name), "verify-full");
  const auto by_default = open_postgres_store({.url = name});
  EXPECT_TRUE(by_default) << by_default.error().message;
}

TEST(PostgresAddress, BeginsItsListOneFurther) {
  const auto after = [](const std::string& url, std::size_t places) {
    auto address = postgres::Address::of(url, {}, {}).value();
    EXPECT_EQ(address.places(), places);
    address.begin_with_the_next();
    std::string out;
    for (const auto& [keyword, value] : address.parameters())
      if (keyword == "host" || keyword == "hostaddr" || keyword == "port") out += keyword + "=" + value + " ";
    return out;
  };
  EXPECT_EQ(after("postgresql://a,b,c/x", 3), "host=b,c,a port=,, ");
  EXPECT_EQ(after("postgresql://a:1,b:2/x?hostaddr=10.0.0.1,10.0.0.2", 2),
            "host=b,a hostaddr=10.0.0.2,10.0.0.1 port=2,1 ");
  EXPECT_EQ(after("postgresql:///x?host=a,b&port=7", 2), "host=b,a port=7 ");
  EXPECT_EQ(after("postgresql://a:1/x", 1), "host=a port=1 ");
}

// The first takes all the time that there is, so the second would never be asked.
TEST(PostgresReach, GoesOnToTheNextHostWhereOneSwallowsWhatIsSent) {
  const SilentPort silent;
  const std::string url = server().new_database();
  const std::size_t at = url.find("host=") + 5;
  const auto store = open_postgres_store(
      {.url = url.substr(0, at) + "127.0.0.1," + url.substr(at) + "&port=" + silent.port() + ",5432"});
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE((*store)->members());
}

TEST(PostgresReach, MeansTheSameWhateverTheDatabaseWasSetTo) {
  const TestFolder folder;
  const auto file = folder / "faelled.db";
  const SessionRow session{crypto::sha256("1"), "usr_a", at_second(0), at_second(10)};
  {
    auto from = std::move(open_sqlite_store(file).value());
    ASSERT_TRUE(from->add_member({"aarhus", "Århus", at_second(0)}));
    ASSERT_TRUE(from->add_user(user_row("a", "aarhus")));
    ASSERT_TRUE(from->add_session(session));
  }
  const std::string url = server().new_database();
  for (const char* setting : {"bytea_output = escape", "client_encoding = LATIN1"})
    PostgresServer::sql(url, std::string("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET ") + setting +
                                 "', current_database()); END $$");
  const auto copied = copy_to_postgres(file, {.url = url, .server = "one"});
  ASSERT_TRUE(copied) << copied.error().message;
  EXPECT_EQ(PostgresServer::sql(url, "SELECT char_length(name) FROM members"), "5");
  auto one = open(url, "one"), two = open(url, "two");
  const std::int64_t mark = one->change_mark().value();
  ASSERT_TRUE(two->remove_session(session.hash));
  EXPECT_EQ(one->changes_since(mark)->sessions_gone, std::vector{session.hash})
      << "signed out there is signed out here";
}

TEST(PostgresReach, WaitsForAnotherServersStepsLongerThanForALock) {
  const std::string url = server().new_database();
  std::thread other([&] {
    PostgresServer::sql(url, "SELECT pg_advisory_lock(1180788076), pg_sleep(6)");  // migrations.cpp's lock
  });
  while (PostgresServer::sql(url, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0")
    std::this_thread::sleep_for(10ms);
  const std::vector<postgres::Step> steps{
      {1, "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS lock_timeout"}};
  auto connection = connect(url);
  const auto migrated = postgres::migrate(*connection, steps);
  other.join();
  ASSERT_TRUE(migrated) << migrated.error().message;
  EXPECT_EQ(PostgresServer::sql(url, "SELECT lock_timeout FROM seen"), "5s") << "a step is as impatient as before";
}

TEST(PostgresReach, TwoServersThatMakeAMembersKeyAtOnceShareOne) {
  const std::string url = server().new_database();
  auto one = open(url, "one"), two = open(url, "two");
  ASSERT_TRUE(one->add_member({"aarhus", "Aarhus", at_second(0)}));
  ASSERT_TRUE(one->add_user(user_row("a", "aarhus")));
  SystemRandom random;
  const crypto::SealKey master = crypto::make_seal_key(random);
  Conversations here(master), there(master);
  const auto row = [](const std::string& id) {
    return Conversation{id, "usr_a", "aarhus", "gemma", "Om " + id, at_second(0), at_second(1)};
  };
  std::future<Expected<void>> second;
  ASSERT_TRUE(one->together([&] {
    auto added = here.add(*one, row("con_1"));
    second = std::async(std::launch::async, [&] { return there.add(*two, row("con_2")); });
    while (PostgresServer::sql(url, "SELECT count(*) FROM pg_locks WHERE NOT granted") == "0" &&
           second.wait_for(10ms) != std::future_status::ready) {
    }
    return added;
  }));
  const auto added = second.get();
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(here.get(*one, "usr_a", "con_2").value(), row("con_2"));
  EXPECT_EQ(there.get(*two, "usr_a", "con_1").value(), row("con_1"));
}

}  // namespace
}  // namespace faelled::store
