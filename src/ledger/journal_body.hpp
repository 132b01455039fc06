// The journal's insides, shared by its four files: appending (journal.cpp), keeping (journal_keeper.cpp: the thread
// that syncs, lays out and deletes), reading (journal_reader.cpp) and recovery (recovery.hpp).
//
// Segments are numbered without gaps: [consumed … current … spare]. Only the keeper adds and removes them. Room: what
// is left in the current segment and in the spare ones is at least what open requests may still write (`reserved`).
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "ledger/journal.hpp"
#include "ledger/record.hpp"
#include "ledger/segment.hpp"

namespace faelled::ledger {

struct Spare {
  Segment* segment;
  MappedFile memory;
};

class Journal::Body {
 public:
  explicit Body(Options options) : options_(std::move(options)) {}
  ~Body();

  Expected<void> start();

  Expected<Opening> opened(const UsageRow& row);
  void closed(Opening opening, const UsageRow& row);
  Expected<Batch> read(Position from, std::size_t rows_max);
  void consumed(Position position);
  void notify(std::function<void()> readable);
  JournalStats stats() const;

 private:
  // Appending thread.
  void append(RecordKind kind, const UsageRow& row, std::size_t bytes);
  bool has_room(std::size_t bytes) const;
  void next_segment();
  void wake_keeper(std::atomic<bool>& reason);

  // Start, then the keeper's thread.
  Expected<void> lay_out_spares();
  std::size_t spares_wanted() const;
  std::size_t usable_bytes() const;  // of a segment, whatever the sizes of the records that fill it
  void keep();
  void keep_once(bool last);
  void sync();
  void remove_consumed();
  bool unread() const;

  Expected<bool> read_segment(Segment& segment, std::uint64_t end, Batch& batch, std::size_t rows_max);

  const Options options_;
  SystemRandom random_;  // start, then the keeper

  // Appending thread alone.
  Segment* current_ = nullptr;
  MappedFile memory_;
  std::size_t offset_ = 0;

  // Written by the appending thread, read by others.
  std::atomic<std::uint64_t> current_number_ = 0;
  std::atomic<std::size_t> reserved_bytes_ = 0;
  std::atomic<std::uint64_t> requests_open_ = 0;
  std::atomic<bool> dirty_ = false;
  std::atomic<bool> spares_low_ = false;

  mutable std::mutex mutex_;  // of what stands below; never held over a disk access
  std::condition_variable keeper_wakes_;
  std::map<std::uint64_t, std::unique_ptr<Segment>> segments_;
  std::deque<Spare> spares_;
  std::vector<MappedFile> retired_;  // full segments, not synced yet
  int current_fd_ = -1;              // closed by nobody but the keeper, after it was retired
  Position consumed_;
  bool stopping_ = false;
  std::atomic<std::size_t> spare_count_ = 0;
  std::atomic<bool> failed_ = false;     // the disk refused a sync
  std::atomic<bool> disk_full_ = false;  // the keeper tries again by itself

  std::mutex readable_mutex_;  // held while readable_ runs
  std::function<void()> readable_;

  // Keeper alone.
  Position removable_;               // consumed when the last sync began
  std::uint64_t closed_before_ = 0;  // segments below this number had nothing open when the last sync began
  std::chrono::steady_clock::time_point next_readable_{};
  std::chrono::steady_clock::time_point next_lay_out_{};

  // Reader alone.
  MappedFile read_file_;
  std::uint64_t read_number_ = 0;
  std::vector<std::byte> read_buffer_;
  std::atomic<std::uint64_t> unreadable_bytes_ = 0;
  std::uint64_t recovered_ = 0;

  std::thread keeper_;
};

}  // namespace faelled::ledger
