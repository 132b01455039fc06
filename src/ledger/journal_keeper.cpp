// The keeper: a thread that syncs what was written, lays segments out ahead and deletes those that nobody needs.
#include <fcntl.h>
#include <unistd.h>

#include "ledger/journal_body.hpp"

namespace faelled::ledger {
namespace {

using Steady = std::chrono::steady_clock;  // waits of a thread, no logic: nothing here is decided by the time

// A write is on the disk journal_sync_every after it was made; the rest of that time is for the sync itself.
constexpr auto gather_for = limits::journal_sync_every * 4 / 5;
constexpr auto lay_out_again_after = std::chrono::seconds(1);

}  // namespace

std::size_t Journal::Body::spares_wanted() const {
  const std::size_t reserved = reserved_bytes_.load(std::memory_order_relaxed);
  return limits::journal_spare_segments + (reserved + usable_bytes() - 1) / usable_bytes();
}

Expected<void> Journal::Body::lay_out_spares() {
  bool made = false;
  while (spare_count_.load(std::memory_order_relaxed) < spares_wanted()) {
    // Numbers follow one another: all segments after the current one are spare.
    std::uint64_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      const std::uint64_t newest = segments_.empty() ? 0 : segments_.rbegin()->first;
      number = std::max(newest, current_number_.load(std::memory_order_acquire)) + 1;
    }
    auto segment = create_segment(options_.folder, number, options_.segment_bytes, random_);
    if (!segment) return std::unexpected(segment.error());
    auto memory = MappedFile::open((*segment)->file, options_.segment_bytes);
    if (!memory) return std::unexpected(memory.error());
    made = true;
    const std::lock_guard lock(mutex_);
    Segment* const at = segment->get();
    segments_.emplace(number, std::move(*segment));
    spares_.push_back(Spare{at, std::move(*memory)});
    spare_count_.store(spares_.size(), std::memory_order_release);
  }
  return made ? sync_folder(options_.folder) : Expected<void>{};
}

bool Journal::Body::unread() const {
  const std::uint64_t number = current_number_.load(std::memory_order_acquire);
  const std::lock_guard lock(mutex_);
  const auto current = segments_.find(number);
  return current != segments_.end() &&
         consumed_ < Position{number, current->second->end.load(std::memory_order_acquire)};
}

void Journal::Body::sync() {
  std::vector<MappedFile> full;
  int current = -1;
  dirty_.store(false);  // before the sync: what comes during it wants another one
  {
    const std::lock_guard lock(mutex_);
    full.swap(retired_);
    current = current_fd_;
    // Deleted is only what the ledger has, and whose closings this sync makes durable.
    removable_ = consumed_;
    closed_before_ = current_number_.load(std::memory_order_acquire);
    for (const auto& [number, segment] : segments_) {
      if (number >= closed_before_ || segment->open.load(std::memory_order_acquire) > 0) {
        closed_before_ = std::min(closed_before_, number);
        break;
      }
    }
  }
  // A sync that failed once must not be tried again: the kernel may have dropped the pages and would say yes.
  for (const MappedFile& file : full) {
    if (::fdatasync(file.fd()) != 0) failed_ = true;
  }
  if (current >= 0 && ::fdatasync(current) != 0) failed_ = true;
}

void Journal::Body::remove_consumed() {
  bool removed = false;
  while (!failed_) {
    std::filesystem::path file;
    {
      const std::lock_guard lock(mutex_);
      const auto oldest = segments_.begin();
      if (oldest == segments_.end() || oldest->first >= removable_.segment || oldest->first >= closed_before_) break;
      file = oldest->second->file;
      // The file goes last: with the entry gone, nobody asks for it any more.
      segments_.erase(oldest);
    }
    ::unlink(file.c_str());
    removed = true;
  }
  if (removed) (void)sync_folder(options_.folder);  // a file that comes back is consumed again, to no effect
}

void Journal::Body::keep_once(bool last) {
  const auto now = Steady::now();
  if (!last && (spares_low_.exchange(false) || now >= next_lay_out_)) {
    // A full disk is tried again each second; opened() refuses meanwhile once the room is used up.
    disk_full_ = !lay_out_spares();
    next_lay_out_ = disk_full_ ? now + lay_out_again_after : Steady::time_point::max();
  }
  sync();
  remove_consumed();
  if (!last && now >= next_readable_ && unread()) {
    next_readable_ = now + limits::ledger_intake_every;
    const std::lock_guard lock(readable_mutex_);
    if (readable_) readable_();
  }
}

void Journal::Body::keep() {
  next_lay_out_ = Steady::time_point::max();
  for (;;) {
    const auto until = unread() ? std::min(next_lay_out_, next_readable_) : next_lay_out_;
    std::unique_lock lock(mutex_);
    const auto awake = [this] { return stopping_ || spares_low_.load(); };
    const auto awake_or_dirty = [&] { return awake() || dirty_.load(); };
    if (until == Steady::time_point::max()) {
      keeper_wakes_.wait(lock, awake_or_dirty);
    } else {
      keeper_wakes_.wait_until(lock, until, awake_or_dirty);
    }
    if (!awake() && dirty_.load()) keeper_wakes_.wait_for(lock, gather_for, awake);
    const bool last = stopping_;
    lock.unlock();
    keep_once(last);
    if (last) return;
  }
}

}  // namespace faelled::ledger
