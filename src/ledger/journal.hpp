// Journal: the only way usage gets into the ledger. A request is opened in it at admission and closed before the client
// sees its end, so a `kill -9` at any moment loses no request whose end was seen, and a full disk refuses requests
// instead of forgetting them. Appending is a memcpy into a preallocated, mapped segment; no system call.
//
// Threads: opened() and closed() from one thread (the event loop); read() and consumed() from one thread (the store's);
// stats() from any. A thread of its own lays segments out ahead, syncs them (limits::journal_sync_every) and deletes
// those of which everything is consumed and closed. main() owns the one Journal. See docs/decisions/0003.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "ledger/usage_row.hpp"

namespace faelled::ledger {

struct Segment;

// A place in the journal; the consumer keeps it beside the rows it made of everything before.
struct Position {
  std::uint64_t segment = 0;  // 0: before everything
  std::uint64_t offset = 0;   // bytes
  auto operator<=>(const Position&) const = default;
};

// The duty to close one request, and the room to do so. Spent by Journal::closed; one that is dropped stays open until
// the next start closes it as failed.
class Opening {
 public:
  Opening() = default;
  Opening(Opening&& other) noexcept { *this = std::move(other); }
  Opening& operator=(Opening&& other) noexcept {
    segment_ = std::exchange(other.segment_, nullptr);
    room_bytes_ = std::exchange(other.room_bytes_, 0U);
    return *this;
  }
  explicit operator bool() const { return segment_ != nullptr; }

 private:
  friend class Journal;
  Segment* segment_ = nullptr;
  std::uint32_t room_bytes_ = 0;
};

struct Batch {
  std::vector<UsageRow> closed;  // in the order they were closed
  Position next;                 // where to read on; equal to `from`: nothing new
  std::uint64_t unreadable_bytes = 0;
};

struct JournalStats {
  std::uint64_t requests_open = 0;
  std::uint64_t segments = 0;  // on disk, spare ones included
  std::uint64_t unreadable_bytes = 0;
  std::uint64_t recovered = 0;  // left open by an earlier run, closed as failed at this start
  bool failed = false;          // the disk refused a sync: opened() refuses until a restart
};

class Journal {
 public:
  struct Options {
    std::filesystem::path folder;  // made if absent, mode 0700
    Position consumed;             // what the ledger already holds
    std::size_t segment_bytes = limits::journal_segment_bytes;
  };

  // Recovers what an earlier run left: whole records are kept, torn ones recognised and skipped, requests left open are
  // closed as failed (cause_server_stopped). Errors: incompatible (a newer version's, or not a journal), io, exhausted
  // (no room on the disk). Overwrites nothing in any of them.
  static Expected<std::unique_ptr<Journal>> open(Options options);

  ~Journal();  // syncs
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // At admission, before any work. Identity fields and started_at of the row count. Errors: unavailable (no room on the
  // disk, or the disk failed), too_large (identity fields over limits::journal_record_bytes_max).
  Expected<Opening> opened(const UsageRow& row);

  // Before the client sees the end. Cannot fail: its room was taken by opened(). The row's identity fields are those
  // that were opened; a cause over limits::usage_cause_bytes_max is cut.
  void closed(Opening opening, const UsageRow& row);

  // Closed rows after `from`, at most `rows_max`. Everything closed before the call is reachable by reading until
  // `next` stands still. Errors: io.
  Expected<Batch> read(Position from, std::size_t rows_max);

  // Everything before `position` is durable in the ledger.
  void consumed(Position position);

  // From any thread: `readable` is called on the journal's own thread while closed rows wait to be read, at most every
  // limits::ledger_intake_every; it only posts. Empty: nobody is called any more once this returns.
  void notify(std::function<void()> readable);

  JournalStats stats() const;

 private:
  class Body;
  explicit Journal(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

}  // namespace faelled::ledger
