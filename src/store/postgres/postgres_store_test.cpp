#include "store/postgres/postgres_store.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <thread>

#include "store/copy.hpp"
#include "store/postgres/migrations.hpp"
#include "store/postgres/postgres_store_body.hpp"
#include "store/postgres_server_testing.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "store/store_conformance_testing.hpp"

namespace faelled::store {
namespace {

PostgresServer& server() { return PostgresServer::shared(); }

// Every call of a Store once, on an empty one; leaves something in every table.
void use_everything(Store& store) {
  ASSERT_TRUE(store.together([&] {
    EXPECT_TRUE(store.take_turn());
    return store.add_member({"aarhus", "Aarhus Kommune", at_second(0)});
  }));
  ASSERT_TRUE(store.update_member(store.members()->front()));
  ASSERT_TRUE(store.add_user(user_row("a", "aarhus")));
  ASSERT_TRUE(store.update_user(store.users()->front()));
  ASSERT_TRUE(store.set_user_names("usr_a", "Anne", ""));
  ASSERT_TRUE(store.set_user_last_seen("usr_a", at_second(1)));
  KeyRow key = key_row("a", "aarhus");
  key.user = "usr_a";
  key.models = {{"gemma", "qwen"}};
  ASSERT_TRUE(store.add_key(key));
  ASSERT_TRUE(store.update_key(key));
  ASSERT_TRUE(store.set_key_last_used(key.id, at_second(1)));
  ASSERT_TRUE(store.add_sign_in_link({crypto::sha256("l"), "usr_a", at_second(0), at_second(900), std::nullopt}));
  ASSERT_TRUE(store.use_sign_in_link(crypto::sha256("l"), at_second(1)));
  ASSERT_TRUE(store.add_session({crypto::sha256("s"), "usr_a", at_second(0), at_second(900)}));
  ASSERT_TRUE(store.sessions(at_second(1)));
  ASSERT_TRUE(store.remove_session(crypto::sha256("none")));
  ASSERT_TRUE(store.remove_sessions_of("usr_none"));
  ASSERT_TRUE(store.remove_expired(at_second(1)));
  ASSERT_TRUE(store.add_audit(audit_row(1)));
  ASSERT_TRUE(store.audit({}, "aud_1001", 1));
  ASSERT_TRUE(store.audit({.member = "aarhus"}, "", 1));
  ASSERT_TRUE(store.set_setting({"announcement", "Æbler", at_second(1)}));
  ASSERT_TRUE(store.settings());
  ASSERT_TRUE(store.find_setting("announcement"));
  ASSERT_TRUE(store.replace_setting({"announcement", "Pærer", at_second(2)}, "Æbler"));
  ASSERT_FALSE(store.replace_setting({"announcement", "Blommer", at_second(2)}, std::nullopt));
  for (const NamedKind kind : {NamedKind::model, NamedKind::alias}) {
    ASSERT_TRUE(store.set_named(kind, {"gemma", 1, "{}", at_second(1)}));
    ASSERT_TRUE(store.update_named(kind, {"gemma", 1, R"({"version":1})", at_second(2)}));
    ASSERT_TRUE(store.named(kind, "", 10));
    ASSERT_TRUE(store.find_named(kind, "gemma"));
  }
  ASSERT_TRUE(store.set_tier(tier_row("stor")));
  ASSERT_TRUE(store.remove_tier("none").error().code == Errc::not_found);
  ASSERT_TRUE(store.tiers());
  ASSERT_TRUE(store.add_agreement(agreement_row(1)));
  ASSERT_TRUE(store.end_agreement("agr_1001", at_second(1), ActorKind::owner, ""));
  ASSERT_FALSE(store.end_agreement("agr_1001", at_second(1), ActorKind::owner, ""));
  ASSERT_TRUE(store.agreements(at_second(1)));
  ASSERT_TRUE(store.agreement_history("aarhus", "agr_1001", 1));
  ASSERT_TRUE(store.changes_since(store.change_mark().value()));
  ASSERT_TRUE(store.changes_since(0));
  ASSERT_TRUE(store.add_usage(std::vector{usage_row(1), usage_row(2, "odense")}, {1, 64}));
  ASSERT_TRUE(store.journal_position());
  for (const char* member : {"", "aarhus"}) {
    const UsageFilter filter{.from = at_second(1), .to = at_second(2), .member = member};
    ASSERT_TRUE(store.usage_sums(filter, {}, 10));
    ASSERT_TRUE(store.usage_rows(filter, "req_1001", 10));
  }
  ASSERT_TRUE(store.usage_rows({.caller = "key_a"}, "", 10));
  ASSERT_TRUE(store.add_member_data_key("aarhus", bytes("wrapped")));
  ASSERT_TRUE(store.member_data_key("aarhus"));
  ASSERT_TRUE(store.has_member_data_keys());
  ASSERT_TRUE(store.add_conversation({"con_1", "usr_a", "aarhus", "gemma", bytes("t"), at_second(1), at_second(1)}));
  ASSERT_TRUE(store.update_conversation(store.conversation("usr_a", "con_1").value()));
  ASSERT_TRUE(store.conversations("usr_a", {}, 10));
  ASSERT_TRUE(store.conversations("usr_a", {ConversationsFrom::Order::made}, 10));
  SealedMessage message;
  message.id = "msg_1";
  message.conversation = "con_1";
  message.content = bytes(std::string_view("\0sealed\\", 8));
  message.state = MessageState::running;
  ASSERT_TRUE(store.add_message(message));
  ASSERT_TRUE(store.update_message(message));
  ASSERT_TRUE(store.messages("con_1"));
  ASSERT_TRUE(store.fail_running_messages("stopped", "stoppet"));
  ASSERT_TRUE(store.remove_conversations("aarhus", at_second(0), 10));
  ASSERT_TRUE(store.delete_conversation("usr_a", "con_1", at_second(2)));
  ASSERT_TRUE(store.deleted_conversations("usr_a", 10));
  ASSERT_TRUE(store.restore_conversation("usr_a", "con_1"));
  ASSERT_TRUE(store.delete_conversations("usr_a", at_second(3)));
  ASSERT_TRUE(store.restore_conversations("usr_a", at_second(3)));
  ASSERT_TRUE(store.rating_sums("aarhus"));
  ASSERT_TRUE(store.erase_deleted(at_second(0), 10));
}

std::unique_ptr<Store> open(const std::string& url, const std::string& name = "one") {
  auto store = open_postgres_store({.url = url, .server = name});
  if (!store) throw std::runtime_error(store.error().message);
  return std::move(*store);
}

INSTANTIATE_TEST_SUITE_P(Postgres, StoreConformance,
                         testing::Values(StoreMaker{[] { return open(server().new_database()); }}),
                         [](const auto&) { return "ARealServer"; });

TEST(PostgresStore, RemembersAcrossAnEnd) {
  const std::string url = server().new_database();
  ASSERT_TRUE(open(url)->add_member({"aarhus", "Aarhus", at_second(0)}));
  EXPECT_EQ(open(url)->members()->size(), 1U);
}

TEST(PostgresStore, IsRefusedWhileNobodyAnswersAndComesBackByItself) {
  PostgresServer own;
  auto store = open(own.new_database());
  ASSERT_TRUE(store->add_member({"aarhus", "Aarhus", at_second(0)}));
  own.stop();
  const auto away = store->members();
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, Errc::unavailable);
  EXPECT_FALSE(away.error().hint.empty());
  EXPECT_EQ(store->add_member({"odense", "Odense", at_second(0)}).error().code, Errc::unavailable);
  own.start();
  while (!store->members()) std::this_thread::yield();
  EXPECT_EQ(store->members()->size(), 1U) << "what was refused is not half there";
  ASSERT_TRUE(store->add_member({"odense", "Odense", at_second(0)}));
}

TEST(PostgresStore, TakesAServerThatWasRestartedBetweenTwoCallsForGranted) {
  PostgresServer own;
  auto store = open(own.new_database());
  own.stop();
  own.start();
  EXPECT_TRUE(store->add_member({"aarhus", "Aarhus", at_second(0)})) << "an idle connection that broke costs nothing";
}

TEST(PostgresStore, LosesAllOfAChangeInWhoseMiddleTheServerWent) {
  PostgresServer own;
  auto store = open(own.new_database());
  const auto changed = store->together([&]() -> Expected<void> {
    if (auto added = store->add_member({"aarhus", "Aarhus", at_second(0)}); !added) return added;
    own.stop();
    own.start();
    return {};  // as if nothing had been
  });
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, Errc::unavailable);
  while (!store->members()) std::this_thread::yield();
  EXPECT_TRUE(store->members()->empty());
}

TEST(PostgresStore, TakesTextThatTheDatabaseWouldRefuse) {
  auto store = open(server().new_database());
  ledger::UsageRow row = usage_row(1);
  row.model = std::string("a\0b", 3);
  row.cause = "cut in the middle of \xC3";
  ASSERT_TRUE(store->add_usage(std::vector{row}, {1, 64})) << "one bad row must never hold up the ledger";
  EXPECT_EQ(store->usage_rows({}, "", 10)->rows.at(0).model, "a\uFFFDb");
  EXPECT_EQ(store->usage_rows({}, "", 10)->rows.at(0).cause, "cut in the middle of \uFFFD");
  row.request_id = "req_{\"\\,NULL}";
  row.cause = "";
  row.model = "NULL";
  ASSERT_TRUE(store->add_usage(std::vector{row}, {1, 128}));
  EXPECT_EQ(store->usage_rows({}, "", 10)->rows.at(1), row);
}

TEST(PostgresStore, KeepsEachServersJournalAndRunningAnswersApart) {
  const std::string url = server().new_database();
  auto one = open(url, "one");
  auto two = open(url, "two");
  ASSERT_TRUE(one->add_usage({}, {3, 400}));
  EXPECT_EQ(two->journal_position().value(), ledger::Position{});
  ASSERT_TRUE(one->add_member({"aarhus", "Aarhus", at_second(0)}));
  ASSERT_TRUE(one->add_user(user_row("a", "aarhus")));
  ASSERT_TRUE(one->add_conversation({"con_1", "usr_a", "aarhus", "gemma", bytes("t"), at_second(1), at_second(1)}));
  SealedMessage answer;
  answer.id = "msg_1";
  answer.conversation = "con_1";
  answer.state = MessageState::running;
  ASSERT_TRUE(one->add_message(answer));
  EXPECT_EQ(two->fail_running_messages("stopped", "stoppet").value(), 0U) << "it is still being written over there";
  EXPECT_EQ(one->fail_running_messages("stopped", "stoppet").value(), 1U);
}

TEST(PostgresStore, LetsNobodyChangeOrRemoveAnAuditRow) {
  const std::string url = server().new_database();
  ASSERT_TRUE(open(url)->add_audit(audit_row(1)));
  for (const char* statement : {"UPDATE audit SET actor = ''", "DELETE FROM audit", "TRUNCATE audit"}) {
    const std::string tried = std::string("DO $$ BEGIN ") + statement +
                              "; RAISE 'it went through'; EXCEPTION WHEN SQLSTATE 'FA001' THEN NULL; END $$";
    PostgresServer::sql(url, tried);
  }
  EXPECT_EQ(open(url)->audit({}, "", 10)->rows, std::vector{audit_row(1)});
}

// Invariant: promised is promised
TEST(PostgresStore, LetsNobodyChangeOrRemoveAnAgreement) {
  const std::string url = server().new_database();
  auto store = open(url);
  ASSERT_TRUE(store->add_member({"aarhus", "Aarhus", at_second(0)}));
  ASSERT_TRUE(store->add_agreement(agreement_row(1)));
  ASSERT_TRUE(store->end_agreement("agr_1001", at_second(2), ActorKind::owner, ""));
  const auto kept = store->agreement_history("", "", 10)->rows;
  for (const char* statement : {"UPDATE agreements SET share = 2", "UPDATE agreements SET ended_at = NULL",
                                "DELETE FROM agreements", "TRUNCATE agreements"}) {
    PostgresServer::sql(url, std::string("DO $$ BEGIN ") + statement +
                                 "; RAISE 'it went through'; EXCEPTION WHEN SQLSTATE 'FA001' THEN NULL; END $$");
  }
  EXPECT_EQ(store->agreement_history("", "", 10)->rows, kept);
}

TEST(PostgresStore, AnAnswerThatAnotherServerGoesOnWithIsThatOnes) {
  const std::string url = server().new_database();
  auto one = open(url, "one"), two = open(url, "two");
  ASSERT_TRUE(one->add_member({"aarhus", "Aarhus", at_second(0)}));
  ASSERT_TRUE(one->add_user({"usr_a", "aarhus", "Anne", at_second(0)}));
  ASSERT_TRUE(one->add_conversation({"con_1", "usr_a", "aarhus", "m", {}, at_second(0), at_second(0)}));
  SealedMessage answer{.id = "msg_1", .conversation = "con_1", .role = MessageRole::assistant};
  answer.created_at = at_second(1);
  ASSERT_TRUE(one->add_message(answer));
  answer.state = MessageState::running;
  ASSERT_TRUE(two->update_message(answer));
  EXPECT_EQ(one->fail_running_messages("x", "y").value(), 0U) << "it starts, and this one is not its own";
  EXPECT_EQ(two->fail_running_messages("x", "y").value(), 1U);
}

TEST(PostgresStore, OfANewerVersionIsRefusedWithTheWayOut) {
  const std::string url = server().new_database();
  ASSERT_TRUE(open(url));
  PostgresServer::sql(url, "INSERT INTO schema_steps VALUES (9999, 9999)");
  const auto again = open_postgres_store({.url = url});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::incompatible);
  EXPECT_NE(again.error().message.find("9999"), std::string::npos);
  EXPECT_FALSE(again.error().hint.empty());
}

TEST(PostgresStore, OfANewerVersionThatOnlyAddedGoesOnWorking) {
  const std::string url = server().new_database();
  ASSERT_TRUE(open(url));
  PostgresServer::sql(url, "INSERT INTO schema_steps VALUES (9999, 1)");
  EXPECT_TRUE(open_postgres_store({.url = url}));
}

TEST(PostgresStore, OfAnotherProgramIsRefusedAndLeftAsItIs) {
  const std::string url = server().new_database();
  PostgresServer::sql(url, "CREATE TABLE members (theirs int)");
  EXPECT_EQ(open_postgres_store({.url = url}).error().code, Errc::incompatible);
  EXPECT_EQ(PostgresServer::sql(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "1");
}

// Now and then one saw another's tables between its two looks, and took them for a stranger's.
TEST(PostgresStore, IsMadeOnceByServersThatStartAtOnce) {
  for (int round = 0; round < 5; ++round) {
    const std::string url = server().new_database();
    std::vector<std::thread> starting;
    for (int i = 0; i < 6; ++i)
      starting.emplace_back([&, i] {
        auto store = open_postgres_store({.url = url, .server = std::to_string(i)});
        EXPECT_TRUE(store) << store.error().message;
      });
    for (std::thread& one : starting) one.join();
    EXPECT_EQ(PostgresServer::sql(url, "SELECT count(*) FROM schema_steps"), std::to_string(postgres::steps().size()));
  }
}

TEST(PostgresStore, SaysWhyItCannotBeReachedAndNeverThePassword) {
  const TestFolder folder;
  const auto nobody = open_postgres_store({.url = "postgresql://faelled@127.0.0.1:1/faelled"});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Errc::unavailable);
  const auto no_database = open_postgres_store({.url = server().url_of("none")});
  ASSERT_FALSE(no_database);
  EXPECT_EQ(no_database.error().code, Errc::io);
  const auto secret = open_postgres_store({.url = "postgresql://faelled:hunter2@127.0.0.1/faelled"});
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().code, Errc::invalid);
  for (const auto* refused : {&nobody, &no_database, &secret}) {
    EXPECT_FALSE(refused->error().hint.empty());
    EXPECT_EQ(refused->error().message.find("hunter2"), std::string::npos);
  }
  EXPECT_EQ(open_postgres_store({.url = "mysql://x"}).error().code, Errc::invalid);
  EXPECT_EQ(open_postgres_store({.url = server().url_of("x"), .password_file = folder / "none"}).error().code,
            Errc::io);
}

// They were settings, and a server of the version before still writes them as such.
TEST(PostgresStore, FindsModelsAndAliasesThatWereSettings) {
  const std::string url = server().new_database();
  auto address = postgres::Address::of(url, {}, {});
  auto connection = std::move(postgres::Connection::open(std::move(*address)).value());
  ASSERT_TRUE(postgres::migrate(*connection, postgres::steps().first(3)));
  PostgresServer::sql(url, R"(INSERT INTO settings VALUES ('model/a', '{"version":3,"definition":null}', 5),
    ('model/bad', '{', 5), ('alias/best', '{"version": 12,"model":"a"}', 6), ('bulletin', '{}', 7))");
  auto store = open(url);
  const auto named = [&](NamedKind kind) { return store->named(kind, "", 10).value(); };
  EXPECT_EQ(named(NamedKind::model),
            (std::vector<NamedRow>{{"a", 3, R"({"version":3,"definition":null})", from_unix_micros(5)},
                                   {"bad", 0, "{", from_unix_micros(5)}}));
  EXPECT_EQ(named(NamedKind::alias),
            (std::vector<NamedRow>{{"best", 12, R"({"version": 12,"model":"a"})", from_unix_micros(6)}}));
  ASSERT_EQ(store->settings()->size(), 1U);
  EXPECT_EQ(store->settings()->front().key, "bulletin");

  const std::int64_t mark = store->change_mark().value();
  PostgresServer::sql(url,
                      R"(INSERT INTO settings VALUES ('model/a', '{"version":4}', 8), ('model/new', '{"version":1}', 8)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at)");
  const auto told = store->changes_since(mark).value();
  EXPECT_EQ(told.models, (std::vector<NamedRow>{{"a", 4, R"({"version":4})", from_unix_micros(8)},
                                                {"new", 1, R"({"version":1})", from_unix_micros(8)}}));
  PostgresServer::sql(url, R"(UPDATE settings SET value = '{"version":2}' WHERE key = 'alias/best')");
  EXPECT_EQ(named(NamedKind::alias).front().version, 12U) << "an older one is no news";
}

// While an installation is brought up to date a server of the version before runs beside the new schema. Its statements
// are written down with the step that it was of; each must still be understood, and give every column that must be
// given.
TEST(PostgresSchema, ServesTheStatementsOfTheVersionBefore) {
  const std::string url = server().new_database();
  auto address = postgres::Address::of(url, {}, {});
  auto connection = std::move(postgres::Connection::open(std::move(*address)).value());
  ASSERT_TRUE(postgres::migrate(*connection));
  const auto works_with = postgres::schema_state(*connection)->works_with;
  const std::filesystem::path folder = std::filesystem::path(FAELLED_SOURCE_DIR) / "src/store/postgres/statements";
  int understood = 0;
  for (auto step = works_with; step <= static_cast<std::int64_t>(postgres::steps().size()); ++step) {
    std::ifstream file(folder / (std::to_string(step) + ".sql"));
    ASSERT_TRUE(file) << "write down the statements of step " << step << ": see WritesDownItsStatements";
    for (std::string statement; std::getline(file, statement, ';');) {
      if (statement.find_first_not_of("\n ") == std::string::npos) continue;
      PostgresServer::sql(url, "PREPARE it AS " + statement + "; DEALLOCATE it");
      // An INSERT that leaves out a column without default would fail with the first row only.
      static const std::regex insert("INSERT INTO (\\w+)(?: AS \\w+)? \\(([^)]*)\\)");
      for (std::sregex_iterator at(statement.begin(), statement.end(), insert), end; at != end; ++at) {
        std::string given = (*at)[2];
        std::erase(given, '"');
        EXPECT_EQ(PostgresServer::sql(url, "SELECT string_agg(attname, ', ') FROM pg_attribute WHERE attrelid = '" +
                                               (*at)[1].str() +
                                               "'::regclass AND attnum > 0 AND attnotnull AND NOT "
                                               "atthasdef AND attidentity = '' AND attname <> ALL (string_to_array('" +
                                               given + "', ', '))"),
                  "")
            << "these have neither value nor default in: " << statement;
      }
      ++understood;
    }
  }
  EXPECT_GT(understood, 40);
}

// Every statement that this version prepares, from the database's own list. With FAELLED_WRITE_STATEMENTS set the file
// of the newest step is written anew: do that with the step, and leave the files of the steps before as they are.
TEST(PostgresSchema, WritesDownItsStatements) {
  const std::string url = server().new_database();
  auto address = postgres::Address::of(url, {}, {});
  auto opened = std::move(postgres::Connection::open(std::move(*address)).value());
  postgres::Connection& connection = *opened;
  ASSERT_TRUE(postgres::migrate(connection));
  postgres::PostgresStore store(std::move(opened), "one");
  use_everything(store);
  std::string all;
  ASSERT_TRUE(connection.each(
      "SELECT statement FROM pg_prepared_statements WHERE statement !~ 'schema_steps|pg_prepared|pg_tables|advisory' "
      "ORDER BY statement",
      [&](sql::Row& row) { all += row.text() + ";\n"; }));
  const std::filesystem::path file = std::filesystem::path(FAELLED_SOURCE_DIR) / "src/store/postgres/statements" /
                                     (std::to_string(postgres::steps().size()) + ".sql");
  if (std::getenv("FAELLED_WRITE_STATEMENTS") != nullptr) std::ofstream(file) << all;
  std::ifstream in(file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), all) << "run it with FAELLED_WRITE_STATEMENTS=1";
}

TEST(CopyToPostgres, BringsEveryRowOverAndTheServerGoesOnWhereItWas) {
  const TestFolder folder;
  const auto file = folder / "faelled.db";
  auto from = std::move(open_sqlite_store(file).value());
  use_everything(*from);
  ledger::UsageRow odd = usage_row(7);
  odd.model = "tab\t, line\n, back\\slash and \\N";
  ASSERT_TRUE(from->add_usage(std::vector{odd, usage_row(8)}, {3, 400}));
  const std::string url = server().new_database();
  const auto copied = copy_to_postgres(file, {.url = url, .server = "one"});
  ASSERT_TRUE(copied) << copied.error().message;
  auto to = open(url, "one");
  EXPECT_EQ(to->members().value(), from->members().value());
  EXPECT_EQ(to->users().value(), from->users().value());
  EXPECT_EQ(to->keys().value(), from->keys().value());
  EXPECT_EQ(to->sessions(at_second(0)).value(), from->sessions(at_second(0)).value());
  EXPECT_EQ(to->settings().value(), from->settings().value());
  for (const NamedKind kind : {NamedKind::model, NamedKind::alias})
    EXPECT_EQ(to->named(kind, "", 10).value(), from->named(kind, "", 10).value());
  EXPECT_EQ(to->tiers().value(), from->tiers().value());
  EXPECT_EQ(to->agreement_history("", "", 100)->rows, from->agreement_history("", "", 100)->rows);
  EXPECT_EQ(to->audit({}, "", 100)->rows, from->audit({}, "", 100)->rows);
  EXPECT_EQ(to->usage_rows({}, "", 100)->rows, from->usage_rows({}, "", 100)->rows);
  EXPECT_EQ(to->usage_sums({}, {}, 100)->sums, from->usage_sums({}, {}, 100)->sums);
  EXPECT_EQ(to->journal_position().value(), (ledger::Position{3, 400}));
  EXPECT_EQ(to->member_data_key("aarhus").value(), from->member_data_key("aarhus").value());
  EXPECT_EQ(to->conversations("usr_a", {}, 10).value(), from->conversations("usr_a", {}, 10).value());
  EXPECT_EQ(to->messages("con_1").value(), from->messages("con_1").value());
  SealedMessage next = from->messages("con_1")->front();
  next.id = "msg_next";
  EXPECT_TRUE(to->add_message(next)) << "after those that came over";
  const auto again = copy_to_postgres(file, {.url = url, .server = "one"});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::conflict) << "never over what is there";
}

TEST(CopyToPostgres, LeavesNothingBehindWhereItFails) {
  const TestFolder folder;
  const auto file = folder / "faelled.db";
  use_everything(*open_sqlite_store(file).value());
  const std::string url = server().new_database();
  ASSERT_TRUE(open(url));
  PostgresServer::sql(url, "ALTER TABLE messages ADD CONSTRAINT no CHECK (false)");
  EXPECT_FALSE(copy_to_postgres(file, {.url = url}));
  EXPECT_EQ(PostgresServer::sql(url, "SELECT count(*) FROM members"), "0");
  EXPECT_EQ(PostgresServer::sql(url, "SELECT count(*) FROM usage"), "0");
  EXPECT_EQ(copy_to_postgres(folder / "none.db", {.url = url}).error().code, Errc::not_found);
}

}  // namespace
}  // namespace faelled::store
