#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <map>
#include <thread>

#include "store/conversations.hpp"
#include "store/data_folder.hpp"
#include "store/ledger.hpp"
#include "store/loop_testing.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "store/store_conformance_testing.hpp"
#include "store/store_thread.hpp"

namespace faelled::store {
namespace {

std::unique_ptr<Store> in_memory() { return std::move(open_sqlite_store(":memory:").value()); }

TEST(DataFolder, IsMadeForItsOwnerAloneAndHeldByOneProcess) {
  const TestFolder folder;
  const auto path = folder / "data";
  {
    const auto held = DataFolder::open(path);
    ASSERT_TRUE(held);
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
    // flock is per open file, so a second opening in this process meets the lock as another process would.
    const auto second = DataFolder::open(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::conflict);
    EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos) << second.error().message;
    EXPECT_FALSE(second.error().hint.empty());
  }
  EXPECT_TRUE(DataFolder::open(path)) << "free again";
}

TEST(DataFolder, KeepsTheNameThatItsServerHasAmongOthers) {
  const TestFolder folder;
  SystemRandom random;
  const auto held = DataFolder::open(folder / "data");
  ASSERT_TRUE(held);
  const auto first = held->server_id(at_second(0), random);
  ASSERT_TRUE(first);
  EXPECT_EQ(held->server_id(at_second(9), random).value(), *first);
  std::ofstream((folder / "data") / "server.id") << "torn";
  EXPECT_EQ(held->server_id(at_second(9), random).error().code, Errc::invalid);
}

// Under another name the answers that it was writing would be nobody's, and their conversations blocked for good.
TEST(DataFolder, TakesNoOtherNameWhereItsOwnCannotBeRead) {
  const TestFolder folder;
  SystemRandom random;
  const auto held = DataFolder::open(folder / "data");
  ASSERT_TRUE(held);
  const auto file = (folder / "data") / "server.id";
  std::ofstream(file).close();
  const auto empty = held->server_id(at_second(0), random);
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, Errc::invalid);
  EXPECT_FALSE(empty.error().hint.empty());
  EXPECT_EQ(std::filesystem::file_size(file), 0U) << "left as it is";
  std::filesystem::remove(file);
  std::filesystem::create_symlink("server.id", file);  // one that even root cannot read
  EXPECT_EQ(held->server_id(at_second(0), random).error().code, Errc::io);
  EXPECT_TRUE(std::filesystem::is_symlink(file));
  std::filesystem::remove(file);
  EXPECT_TRUE(held->server_id(at_second(0), random));
}

TEST(DataFolder, UnderAFileIsRefused) {
  const auto open = DataFolder::open("/dev/null/data");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, Errc::io);
  EXPECT_FALSE(open.error().hint.empty());
}

TEST(StoreThread, RunsJobsInOrderAndHandsResultsBackOnTheLoop) {
  TestLoop loop;
  StoreThread thread(in_memory(), loop.poster());
  const auto here = std::this_thread::get_id();
  std::vector<int> order;
  std::vector<int> answers;
  for (int i = 0; i < 100; ++i) {
    thread.ask(
        [&, i](Store&) -> Expected<int> {
          EXPECT_NE(std::this_thread::get_id(), here);
          order.push_back(i);
          return i;
        },
        std::function<void(Expected<int>)>([&](Expected<int> given) {
          EXPECT_EQ(std::this_thread::get_id(), here);
          answers.push_back(*given);
        }));
  }
  loop.run_until([&] { return answers.size() == 100; });
  EXPECT_EQ(order, answers);
  EXPECT_TRUE(std::ranges::is_sorted(answers));
}

TEST(StoreThread, RefusesWhenItsLineIsFullOrItHasStopped) {
  TestLoop loop;
  StoreThread thread(in_memory(), loop.poster(), 2);
  std::atomic<bool> let_go = false;
  std::atomic<bool> running = false;
  ASSERT_TRUE(thread.post([&](Store&) {
    running = true;
    let_go.wait(false);
  }));
  while (!running) std::this_thread::yield();
  ASSERT_TRUE(thread.post([](Store&) {}));
  ASSERT_TRUE(thread.post([](Store&) {}));
  EXPECT_EQ(thread.post([](Store&) {}).error().code, Errc::exhausted);
  const auto refused =
      loop.result_of<int>([&](auto then) { thread.ask([](Store&) -> Expected<int> { return 1; }, std::move(then)); });
  EXPECT_EQ(refused.error().code, Errc::exhausted);
  let_go = true;
  let_go.notify_all();
  thread.stop();
  EXPECT_EQ(thread.post([](Store&) {}).error().code, Errc::unavailable);
}

TEST(StoreThread, FinishesWhatWaitsBeforeItStops) {
  TestLoop loop;
  std::atomic<int> ran = 0;
  {
    StoreThread thread(in_memory(), loop.poster());
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(thread.post([&](Store&) { ++ran; }));
  }
  EXPECT_EQ(ran, 50);
}

TEST(StoreThread, TakesJobsFromSeveralThreads) {
  TestLoop loop;
  StoreThread thread(in_memory(), loop.poster());
  int ran = 0;  // of the store's thread
  std::vector<std::thread> posters;
  for (int t = 0; t < 3; ++t) {
    posters.emplace_back([&] {
      for (int i = 0; i < 200; ++i) EXPECT_TRUE(thread.post([&](Store&) { ++ran; }));
    });
  }
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(thread.wait_for([&](Store&) -> Expected<int> { return ran; }).value(), 600);
}

ledger::UsageRow opened_row(int number) {
  ledger::UsageRow row = usage_row(number);
  row.outcome = ledger::Outcome::failed;
  return row;
}

TEST(Ledger, AnswersWithEverythingThatWasClosedBefore) {
  const TestFolder folder;
  TestLoop loop;
  StoreThread thread(in_memory(), loop.poster());
  auto journal = std::move(ledger::Journal::open({.folder = folder / "journal"}).value());
  Ledger ledger(*journal, thread);
  for (int i = 0; i < 300; ++i) {
    auto opening = journal->opened(opened_row(i));
    ASSERT_TRUE(opening);
    journal->closed(std::move(*opening), usage_row(i));
    if (i % 50 != 0) continue;
    const auto sums = loop.result_of<UsageSumPage>([&](auto then) { ledger.sums({}, {}, 10, std::move(then)); });
    ASSERT_TRUE(sums);
    EXPECT_EQ(sums->sums.at(0).requests, static_cast<std::uint64_t>(i + 1));
  }
  const auto page = loop.result_of<UsagePage>([&](auto then) { ledger.rows({}, "", 1000, std::move(then)); });
  ASSERT_EQ(page->rows.size(), 300U);
  EXPECT_EQ(page->rows[7], usage_row(7));
  thread.stop();
}

TEST(Ledger, TakesRowsInUnasked) {
  const TestFolder folder;
  TestLoop loop;
  StoreThread thread(in_memory(), loop.poster());
  auto journal = std::move(ledger::Journal::open({.folder = folder / "journal"}).value());
  Ledger ledger(*journal, thread);
  auto opening = journal->opened(opened_row(1));
  journal->closed(std::move(*opening), usage_row(1));
  std::size_t rows = 0;
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
       rows == 0 && std::chrono::steady_clock::now() < end;) {
    rows = thread.wait_for([](Store& store) { return store.usage_rows({}, "", 10); })->rows.size();
  }
  EXPECT_EQ(rows, 1U);
  thread.stop();
}

// Store and journal end at any point between them and begin again; every request is there once, as it was closed.
TEST(Ledger, HasEachRequestOnceAcrossRestarts) {
  const TestFolder folder;
  const std::uint64_t seed = SystemRandom().u64() % 1'000'000;
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed);
  std::map<std::string, ledger::UsageRow> expected;
  int number = 0;
  for (int life = 0; life < 12; ++life) {
    TestLoop loop;
    auto store = std::move(open_sqlite_store(folder / "faelled.db").value());
    const ledger::Position position = store->journal_position().value();
    StoreThread thread(std::move(store), loop.poster());
    auto journal = std::move(
        ledger::Journal::open({.folder = folder / "journal", .consumed = position, .segment_bytes = 64 * 1024})
            .value());
    Ledger ledger(*journal, thread);
    std::vector<std::pair<ledger::Opening, int>> open;
    for (int i = 0; i < 60; ++i, ++number) {
      auto opening = journal->opened(opened_row(number));
      ASSERT_TRUE(opening);
      open.emplace_back(std::move(*opening), number);
      if (random.below(3) == 0) continue;
      std::swap(open[random.below(open.size())], open.back());
      expected[usage_row(open.back().second).request_id] = usage_row(open.back().second);
      journal->closed(std::move(open.back().first), usage_row(open.back().second));
      open.pop_back();
      if (random.below(20) == 0) {
        ASSERT_TRUE(thread.wait_for([&](Store& rows) { return ledger.take_in(rows); }));
      }
    }
    for (const auto& [opening, left] : open) {
      ledger::UsageRow row = opened_row(left);
      row.cause = ledger::cause_server_stopped;
      expected[row.request_id] = row;
    }
    thread.stop();
  }
  TestLoop loop;
  auto store = std::move(open_sqlite_store(folder / "faelled.db").value());
  const ledger::Position position = store->journal_position().value();
  StoreThread thread(std::move(store), loop.poster());
  auto journal = std::move(
      ledger::Journal::open({.folder = folder / "journal", .consumed = position, .segment_bytes = 64 * 1024}).value());
  Ledger ledger(*journal, thread);
  const auto page = loop.result_of<UsagePage>([&](auto then) { ledger.rows({}, "", 1000, std::move(then)); });
  ASSERT_TRUE(page);
  EXPECT_EQ(page->rows.size(), expected.size());
  for (const ledger::UsageRow& row : page->rows) EXPECT_EQ(row, expected[row.request_id]) << row.request_id;
  thread.stop();
}

class ConversationsTest : public testing::Test {
 protected:
  ConversationsTest() : store_(in_memory()) {
    EXPECT_TRUE(store_->add_member({"aarhus", "Aarhus", at_second(0)}));
    EXPECT_TRUE(store_->add_user({"usr_a", "aarhus", "Anne", at_second(0)}));
    auto key = Conversations::master_key(folder_ / "master.key", *store_, random_);
    EXPECT_TRUE(key);
    master_ = *key;
  }
  TestFolder folder_;
  SystemRandom random_;
  std::unique_ptr<Store> store_;
  crypto::SealKey master_{};
  Conversation conversation_{"con_1", "usr_a", "aarhus", "gemma", "Om Fælleden", at_second(0), at_second(1)};
  Message message_{"msg_1", "con_1", MessageRole::user, MessageState::done, "Hvad er en fælled?", "gemma", "",
                   "",      "",      at_second(1)};
};

TEST_F(ConversationsTest, ComeBackAsTheyWereWritten) {
  Conversations conversations(master_);
  ASSERT_TRUE(conversations.add(*store_, conversation_));
  ASSERT_TRUE(conversations.add_message(*store_, conversation_, message_));
  Conversations after_restart(master_);
  EXPECT_EQ(after_restart.get(*store_, "usr_a", "con_1").value(), conversation_);
  EXPECT_EQ(after_restart.list(*store_, "usr_a", {}, 10).value(), std::vector{conversation_});
  EXPECT_EQ(after_restart.messages(*store_, conversation_).value(), std::vector{message_});
  message_.content += " Og hvem ejer den?";
  ASSERT_TRUE(after_restart.update_message(*store_, conversation_, message_));
  EXPECT_EQ(conversations.messages(*store_, conversation_).value(), std::vector{message_});
}

TEST_F(ConversationsTest, AreNotSealedWithAKeyThatTheStoreDidNotKeep) {
  Conversations conversations(master_);
  for (const bool both : {false, true}) {
    const auto undone = store_->together([&]() -> Expected<void> {
      if (auto added = conversations.add(*store_, conversation_); !added) return added;
      if (both)
        if (auto added = conversations.add_message(*store_, conversation_, message_); !added) return added;
      return fail(Errc::io, "the disk is full");
    });
    ASSERT_FALSE(undone);
  }
  ASSERT_TRUE(conversations.add(*store_, conversation_));
  EXPECT_EQ(Conversations(master_).get(*store_, "usr_a", "con_1").value(), conversation_);
}

TEST_F(ConversationsTest, LieSealedInTheStore) {
  Conversations conversations(master_);
  ASSERT_TRUE(conversations.add(*store_, conversation_));
  ASSERT_TRUE(conversations.add_message(*store_, conversation_, message_));
  const auto found = [](const Bytes& in, std::string_view text) {
    const auto wanted = std::as_bytes(std::span(text));
    return std::ranges::search(in, wanted).begin() != in.end();
  };
  EXPECT_FALSE(found(store_->conversation("usr_a", "con_1")->title, "lleden"));
  EXPECT_FALSE(found(store_->messages("con_1")->front().content, "Hvad"));
}

TEST_F(ConversationsTest, SealWhyAnAnswerWasFoundBad) {
  Conversations conversations(master_);
  ASSERT_TRUE(conversations.add(*store_, conversation_));
  message_.rating = Rating::down;
  message_.rating_reason = "Den glemte borgerens navn";
  ASSERT_TRUE(conversations.add_message(*store_, conversation_, message_));
  EXPECT_EQ(conversations.messages(*store_, conversation_).value(), std::vector{message_});
  const Bytes sealed = store_->messages("con_1")->front().rating_reason;
  EXPECT_EQ(std::ranges::search(sealed, std::as_bytes(std::span(std::string_view("borger")))).size(), 0U);
}

TEST_F(ConversationsTest, AreFoundByTheirWordsSliceBySlice) {
  Conversations conversations(master_);
  for (int i = 0; i < 7; ++i) {
    Conversation row = conversation_;
    row.id = "con_" + std::to_string(i);
    row.title = i == 3 ? "Referat om ÅDALEN" : "Andet";
    row.updated_at = at_second(i);
    ASSERT_TRUE(conversations.add(*store_, row));
    Message message = message_;
    message.id = "msg_" + std::to_string(i);
    message.conversation = row.id;
    message.content = i % 2 == 0 ? "Skriv om ådalen og åen" : "Noget andet";
    ASSERT_TRUE(conversations.add_message(*store_, row, message));
  }
  std::vector<std::string> found;
  std::string before;
  do {
    const auto slice = conversations.search(*store_, "usr_a", {"ådalen"}, before, 3);
    ASSERT_TRUE(slice);
    for (const auto& one : slice->found) found.push_back(one.conversation.id + " " + one.message);
    before = slice->next;
  } while (!before.empty());
  EXPECT_EQ(found, (std::vector<std::string>{"con_6 msg_6", "con_4 msg_4", "con_3 ", "con_2 msg_2", "con_0 msg_0"}));
  EXPECT_TRUE(conversations.search(*store_, "usr_x", {"ådalen"}, "", 10)->found.empty());
}

TEST_F(ConversationsTest, DoNotOpenWithAnotherMasterKey) {
  ASSERT_TRUE(Conversations(master_).add(*store_, conversation_));
  Conversations others(crypto::make_seal_key(random_));
  EXPECT_EQ(others.get(*store_, "usr_a", "con_1").error().code, Errc::io) << "whoever asks did nothing wrong";
}

TEST_F(ConversationsTest, NeverGetANewMasterKeyWhileWordsAreSealedWithTheOld) {
  ASSERT_TRUE(Conversations(master_).add(*store_, conversation_));
  EXPECT_EQ(Conversations::master_key(folder_ / "master.key", *store_, random_).value(), master_);
  std::filesystem::remove(folder_ / "master.key");
  const auto lost = Conversations::master_key(folder_ / "master.key", *store_, random_);
  ASSERT_FALSE(lost);
  EXPECT_FALSE(lost.error().hint.empty());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "master.key"));
}

}  // namespace
}  // namespace faelled::store
