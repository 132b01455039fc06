// Random histories of opening, closing, consuming, restarting and crashing, against a model. A crash is a copy of the
// folder, cut at a random byte of its newest segment, with random bits flipped behind the cut or in one record before.
// The seed is printed; FAELLED_SEED=n plays one history again.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "base/random.hpp"
#include "ledger/journal.hpp"
#include "ledger/record.hpp"
#include "ledger/segment.hpp"

namespace faelled::ledger {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t segment_bytes = 8 * 1024;

std::vector<std::byte> bytes_of(const fs::path& file) {
  std::vector<std::byte> out(fs::file_size(file));
  std::ifstream(file, std::ios::binary)
      .read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
  return out;
}

struct Placed {
  Record record;
  std::size_t begin;
};

std::vector<Placed> records_in(const Segment& segment, std::span<const std::byte> bytes) {
  std::vector<Placed> out;
  for (std::size_t at = segment_header_bytes; at + 8 <= bytes.size();) {
    auto record = decode(bytes.subspan(at), segment.salt);
    const std::size_t step = record ? record->bytes : 8;
    if (record) out.push_back({std::move(*record), at});
    at += step;
  }
  return out;
}

class History {
 public:
  History(std::uint64_t seed, fs::path root) : random_(seed), root_(std::move(root)) { start(); }

  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      const std::uint64_t choice = random_.below(1000);
      if (choice < 450) {
        open();
      } else if (choice < 880) {
        close();
      } else if (choice < 980) {
        consume(1 + random_.below(20));
      } else if (choice < 987) {
        restart();
      } else {
        crash();
      }
    }
    restart();
    consume(1'000'000);
    const auto want = expected();
    EXPECT_EQ(ledger_.size(), want.size());
    for (const auto& [id, row] : want) {
      const auto found = ledger_.find(id);
      ASSERT_NE(found, ledger_.end()) << id << " is missing";
      ASSERT_EQ(found->second, row) << id << " is not as it was closed";
    }
    EXPECT_EQ(journal_->stats().requests_open, 0U);
  }

 private:
  struct Truth {
    UsageRow as_opened;
    UsageRow row;
    bool opened = false;  // is in the journal
    bool closed = false;
    Opening opening;
  };

  void start() {
    auto journal = Journal::open({.folder = folder(), .consumed = position_, .segment_bytes = segment_bytes});
    ASSERT_TRUE(journal) << journal.error().message;
    journal_ = std::move(*journal);
    for (auto& [id, truth] : truths_) {
      if (!truth.opened || truth.closed) continue;
      truth.closed = true;
      truth.row = truth.as_opened;
      truth.row.outcome = Outcome::failed;
      truth.row.cause = cause_server_stopped;
    }
    running_.clear();
  }

  void open() {
    UsageRow row;
    row.request_id = "req_" + std::to_string(next_++);
    row.member = "member " + std::to_string(random_.below(3));
    row.model = std::string(random_.below(200), 'm');
    row.started_at = from_unix_micros(static_cast<std::int64_t>(next_));
    auto opening = journal_->opened(row);
    if (!opening) {
      ASSERT_EQ(opening.error().code, Errc::unavailable);
      std::this_thread::yield();
      return;
    }
    running_.push_back(row.request_id);
    truths_[row.request_id] = Truth{row, row, true, false, std::move(*opening)};
  }

  void close() {
    if (running_.empty()) return;
    std::swap(running_[random_.below(running_.size())], running_.back());
    Truth& truth = truths_[running_.back()];
    running_.pop_back();
    truth.row.output_tokens = static_cast<std::uint32_t>(random_.below(1000));
    truth.row.outcome = static_cast<Outcome>(random_.below(4));
    truth.row.cause = std::string(random_.below(limits::usage_cause_bytes_max + 1), 'c');
    truth.closed = true;
    journal_->closed(std::move(truth.opening), truth.row);
  }

  void consume(std::size_t rows_max) {
    for (;;) {
      auto batch = journal_->read(position_, rows_max);
      ASSERT_TRUE(batch) << batch.error().message;
      for (UsageRow& row : batch->closed) ledger_.try_emplace(row.request_id, row);  // INSERT OR IGNORE
      const bool more = rows_max > 100 && batch->next != position_;
      position_ = batch->next;
      journal_->consumed(position_);
      if (!more) return;
    }
  }

  void restart() {
    journal_.reset();
    start();
  }

  void crash() {
    const fs::path from = folder();
    ++life_;
    fs::create_directories(folder());
    std::error_code gone;  // the keeper may delete a consumed segment under us
    for (const auto& entry : fs::directory_iterator(from))
      fs::copy(entry.path(), folder() / entry.path().filename(), gone);
    journal_.reset();
    fs::remove_all(from);
    damage();
    start();
  }

  void damage() {
    const auto segments = find_segments(folder());
    ASSERT_TRUE(segments) << segments.error().message;
    const Segment* newest = nullptr;
    for (const auto& segment : *segments) {
      if (!records_in(*segment, bytes_of(segment->file)).empty()) newest = segment.get();
    }
    std::set<std::string> harmed;
    if (newest != nullptr) {
      auto bytes = bytes_of(newest->file);
      const auto records = records_in(*newest, bytes);
      const std::size_t end = records.back().begin + records.back().record.bytes;
      const std::size_t cut = end - random_.below(std::min<std::size_t>(end - segment_header_bytes, 900));
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(cut), bytes.end(), std::byte{0});
      const auto flip = [&](std::size_t begin, std::size_t stop) {
        if (begin < stop) bytes[begin + random_.below(stop - begin)] ^= static_cast<std::byte>(1U << random_.below(8));
      };
      for (const Placed& placed : records) {
        const std::size_t stop = placed.begin + placed.record.bytes;
        const bool torn = stop > cut;
        if (torn) flip(placed.begin, cut);
        const bool spoilt = !torn && random_.below(20) == 0;
        if (spoilt) flip(placed.begin, stop);
        if (torn || spoilt) harmed.insert(placed.record.row.request_id);
      }
      std::ofstream(newest->file, std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    std::set<std::string> opened;
    std::set<std::string> closed;
    for (const auto& segment : *segments) {
      for (const Placed& placed : records_in(*segment, bytes_of(segment->file))) {
        (placed.record.kind == RecordKind::opened ? opened : closed).insert(placed.record.row.request_id);
      }
    }
    for (auto& [id, truth] : truths_) {
      if (ledger_.contains(id)) continue;
      if (!harmed.contains(id)) {
        EXPECT_EQ(truth.opened && !truth.closed, opened.contains(id) && !closed.contains(id)) << id;
        EXPECT_EQ(truth.closed, closed.contains(id)) << id << " was closed and is neither in journal nor ledger";
      }
      truth.opened = opened.contains(id);
      truth.closed = closed.contains(id);
    }
  }

  std::map<std::string, UsageRow> expected() const {
    std::map<std::string, UsageRow> out;
    for (const auto& [id, truth] : truths_) {
      if (truth.closed) out.emplace(id, truth.row);
    }
    return out;
  }

  fs::path folder() const { return root_ / std::to_string(life_); }

  SeededRandom random_;
  fs::path root_;
  int life_ = 0;
  int next_ = 0;
  std::unique_ptr<Journal> journal_;
  std::map<std::string, Truth> truths_;
  std::vector<std::string> running_;
  std::map<std::string, UsageRow> ledger_;
  Position position_;
};

// Invariant: once in the ledger
TEST(JournalProperty, TheLedgerHasEveryOpenedRequestOnceAndEveryClosedOneAsClosed) {
  const char* const asked = std::getenv("FAELLED_SEED");
  const std::uint64_t first = asked != nullptr ? std::strtoull(asked, nullptr, 10) : SystemRandom().u64() % 1'000'000;
  const std::uint64_t histories = asked != nullptr ? 1 : 20;
  std::printf("seeds %llu to %llu\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + histories - 1));
  for (std::uint64_t seed = first; seed < first + histories; ++seed) {
    SCOPED_TRACE("FAELLED_SEED=" + std::to_string(seed));
    // In memory where there is some: a crash is a copy here, so the disk's own speed shows nothing.
    const fs::path where = fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
    std::string root = (where / "faelled-history-XXXXXX").string();
    ASSERT_NE(::mkdtemp(root.data()), nullptr);
    {
      History(seed, root).run(1500);
    }
    fs::remove_all(root);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace faelled::ledger
