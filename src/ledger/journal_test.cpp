#include "ledger/journal.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

#include "base/random.hpp"
#include "ledger/crc32c.hpp"
#include "ledger/record.hpp"
#include "ledger/segment.hpp"

namespace faelled::ledger {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "faelled-journal-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

UsageRow row_of(int number) {
  UsageRow row;
  row.request_id = "req_" + std::to_string(number);
  row.member = "aarhus";
  row.caller = "usr_01JD9Z8V3M6Q8Y4T2K7N5R0WXA";
  row.key = "key_01JD9Z8V3M6Q8Y4T2K7N5R0WXA";
  row.user = row.caller;
  row.model = "gemma-3-270m";
  row.started_at = from_unix_micros(1'780'000'000'000'000 + number);
  return row;
}

UsageRow ended(UsageRow row) {
  row.input_tokens = 12;
  row.cached_tokens = 3;
  row.output_tokens = 400;
  row.queue_us = 5;
  row.load_us = 6;
  row.engine_us = 7;
  row.total_us = 18;
  row.outcome = Outcome::done;
  return row;
}

constexpr std::size_t small_segment = 8 * 1024;

std::unique_ptr<Journal> open_journal(const fs::path& folder, Position consumed = {},
                                      std::size_t segment_bytes = small_segment) {
  auto journal = Journal::open({.folder = folder, .consumed = consumed, .segment_bytes = segment_bytes});
  EXPECT_TRUE(journal) << journal.error().message;
  return std::move(*journal);
}

std::vector<UsageRow> read_all(Journal& journal, Position& position, std::size_t rows_max = 7) {
  std::vector<UsageRow> out;
  for (;;) {
    auto batch = journal.read(position, rows_max);
    EXPECT_TRUE(batch);
    const bool more = batch->next != position;
    position = batch->next;
    for (UsageRow& row : batch->closed) out.push_back(std::move(row));
    if (!more) return out;
  }
}

// The keeper lays out spare segments at its own pace; a test that fills many waits for it.
Opening open_patiently(Journal& journal, const UsageRow& row) {
  for (;;) {
    auto opening = journal.opened(row);
    if (opening) return std::move(*opening);
    EXPECT_EQ(opening.error().code, Errc::unavailable);
    std::this_thread::yield();
  }
}

TEST(Crc32c, IsTheOneOfRfc3720) {
  const std::string_view text = "123456789";
  EXPECT_EQ(crc32c(0, std::as_bytes(std::span(text))), 0xe3069283U);
  EXPECT_EQ(crc32c_portable(0, std::as_bytes(std::span(text))), 0xe3069283U);
}

TEST(Record, ComesBackAsItWentIn) {
  UsageRow row = ended(row_of(1));
  row.cause = "klienten gik";
  std::vector<std::byte> bytes(record_bytes(row));
  encode(RecordKind::closed, row, 77, bytes);
  const auto back = decode(bytes, 77);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->row, row);
  EXPECT_EQ(back->bytes, bytes.size());
  EXPECT_FALSE(decode(bytes, 78)) << "another segment's record is none of ours";
}

TEST(Record, OfWhichAnyBitIsFlippedIsNone) {
  const UsageRow row = ended(row_of(1));
  std::vector<std::byte> bytes(record_bytes(row));
  encode(RecordKind::closed, row, 77, bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(decode(bytes, 77)) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
}

TEST(Record, CutsALongCauseBetweenCharacters) {
  UsageRow row = row_of(1);
  for (int i = 0; i < 100; ++i) row.cause += "ø";
  std::vector<std::byte> bytes(record_bytes(row));
  EXPECT_LE(bytes.size(), closing_bytes(row));
  encode(RecordKind::closed, row, 1, bytes);
  const auto back = decode(bytes, 1);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->row.cause.size(), limits::usage_cause_bytes_max);
  EXPECT_TRUE(row.cause.starts_with(back->row.cause));
}

TEST(Journal, GivesClosedRowsInTheOrderTheyWereClosed) {
  const Folder folder;
  const auto journal = open_journal(folder / "journal");
  auto first = journal->opened(row_of(1));
  auto second = journal->opened(row_of(2));
  ASSERT_TRUE(first && second);
  Position position;
  EXPECT_TRUE(read_all(*journal, position).empty()) << "an open request is no usage yet";
  journal->closed(std::move(*second), ended(row_of(2)));
  journal->closed(std::move(*first), ended(row_of(1)));
  EXPECT_EQ(read_all(*journal, position), (std::vector{ended(row_of(2)), ended(row_of(1))}));
  EXPECT_TRUE(read_all(*journal, position).empty());
  EXPECT_EQ(journal->stats().requests_open, 0U);
}

TEST(Journal, ClosesWhatAnEarlierRunLeftOpenAsFailed) {
  const Folder folder;
  Position position;
  {
    const auto journal = open_journal(folder / "journal");
    auto first = journal->opened(row_of(1));
    auto second = journal->opened(row_of(2));
    journal->closed(std::move(*second), ended(row_of(2)));
  }
  UsageRow failed = row_of(1);
  failed.cause = cause_server_stopped;
  for (int start = 0; start < 3; ++start) {
    const auto journal = open_journal(folder / "journal");
    EXPECT_EQ(journal->stats().recovered, start == 0 ? 1U : 0U) << "once is enough";
    position = {};
    EXPECT_EQ(read_all(*journal, position), (std::vector{ended(row_of(2)), failed}));
  }
}

TEST(Journal, NeverWritesBelowThePositionThatTheLedgerHasReached) {
  const Folder folder;
  const Position far{41, 5000};
  const auto journal = open_journal(folder / "journal", far);
  auto opening = journal->opened(row_of(1));
  journal->closed(std::move(*opening), ended(row_of(1)));
  Position position = far;
  EXPECT_EQ(read_all(*journal, position).size(), 1U);
}

TEST(Journal, DeletesSegmentsOnceConsumedAndClosed) {
  const Folder folder;
  const auto journal = open_journal(folder / "journal");
  Opening long_one = open_patiently(*journal, row_of(0));
  Position position;
  for (int i = 1; i <= 200; ++i) {
    journal->closed(open_patiently(*journal, row_of(i)), ended(row_of(i)));
    read_all(*journal, position);
    journal->consumed(position);
  }
  const std::uint64_t held = journal->stats().segments;
  EXPECT_GT(held, 8U) << "the open request holds its segment and what came after";
  journal->closed(std::move(long_one), ended(row_of(0)));
  for (int i = 201; journal->stats().segments > 4; ++i) {
    journal->closed(open_patiently(*journal, row_of(i)), ended(row_of(i)));
    read_all(*journal, position);
    journal->consumed(position);
  }
  EXPECT_LE(journal->stats().segments, 4U);
}

TEST(Journal, TellsItsReaderThatRowsWait) {
  const Folder folder;
  const auto journal = open_journal(folder / "journal");
  std::mutex mutex;
  std::condition_variable came;
  int calls = 0;
  journal->notify([&] {
    const std::lock_guard lock(mutex);
    ++calls;
    came.notify_one();
  });
  journal->closed(open_patiently(*journal, row_of(1)), ended(row_of(1)));
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(came.wait_for(lock, std::chrono::seconds(20), [&] { return calls > 0; }));
  }
  journal->notify({});
}

TEST(Journal, KeepsRoomForEveryClosingAndRefusesWhatHasNone) {
  const Folder folder;
  const fs::path path = folder / "journal";
  const auto journal = open_journal(path);
  // A folder that takes no new file stands in for a full disk. Moved, not removed: the journal's thread may be laying
  // out a segment in it at this moment.
  fs::rename(path, folder / "elsewhere");
  std::vector<std::pair<Opening, int>> open;
  Error refusal;
  for (int i = 0; i < 1000 && refusal.message.empty(); ++i) {
    auto opening = journal->opened(row_of(i));
    if (opening) {
      open.emplace_back(std::move(*opening), i);
    } else {
      refusal = opening.error();
    }
  }
  EXPECT_EQ(refusal.code, Errc::unavailable);
  EXPECT_FALSE(refusal.hint.empty());
  EXPECT_GT(open.size(), 5U);
  for (auto& [opening, number] : open) {
    UsageRow row = ended(row_of(number));
    row.cause = std::string(500, 'x');
    journal->closed(std::move(opening), row);  // aborts if there were no room
  }
  EXPECT_EQ(journal->stats().requests_open, 0U);
}

TEST(Journal, RefusesNamesThatAreTooLong) {
  const Folder folder;
  const auto journal = open_journal(folder / "journal");
  UsageRow row = row_of(1);
  row.model = std::string(256, 'x');
  EXPECT_EQ(journal->opened(row).error().code, Errc::too_large);
}

TEST(Journal, OfANewerVersionIsRefusedAndLeftAlone) {
  const Folder folder;
  const fs::path path = folder / "journal";
  {
    open_journal(path);
  }
  const fs::path file = segment_file(path, 1);
  {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(8);
    stream.put(2);
  }
  std::set<fs::path> before;
  for (const auto& entry : fs::directory_iterator(path)) before.insert(entry.path());
  const auto again = Journal::open({.folder = path});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::incompatible);
  EXPECT_FALSE(again.error().hint.empty());
  std::set<fs::path> after;
  for (const auto& entry : fs::directory_iterator(path)) after.insert(entry.path());
  EXPECT_EQ(after, before);
}

TEST(Journal, ThatIsNoneIsRefused) {
  const Folder folder;
  const fs::path path = folder / "journal";
  fs::create_directories(path);
  std::ofstream(segment_file(path, 3)) << "something else";
  EXPECT_EQ(Journal::open({.folder = path}).error().code, Errc::incompatible);
}

TEST(Journal, SurvivesKillNine) {
  const Folder folder;
  const fs::path path = folder / "journal";
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto journal = Journal::open({.folder = path, .segment_bytes = 64 * 1024});
    if (!journal) ::_exit(1);
    for (int i = 0;; ++i) {
      auto opening = (*journal)->opened(row_of(i));
      if (!opening) continue;
      (*journal)->closed(std::move(*opening), ended(row_of(i)));
      // From here on the client may have seen the end.
      if (::write(told[1], &i, sizeof i) != sizeof i) ::_exit(1);
    }
  }
  ::close(told[1]);
  std::set<std::string> seen;
  int number = 0;
  while (seen.size() < 500 && ::read(told[0], &number, sizeof number) == sizeof number) {
    seen.insert(row_of(number).request_id);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (::read(told[0], &number, sizeof number) == sizeof number) seen.insert(row_of(number).request_id);
  ::close(told[0]);
  ASSERT_GE(seen.size(), 500U);
  const auto journal = open_journal(path, {}, 64 * 1024);
  Position position;
  std::map<std::string, int> times;
  for (const UsageRow& row : read_all(*journal, position, 1000)) ++times[row.request_id];
  for (const std::string& id : seen) EXPECT_EQ(times[id], 1) << id;
}

}  // namespace
}  // namespace faelled::ledger
