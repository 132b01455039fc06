#include "ledger/journal.hpp"

#include <unistd.h>

#include "base/check.hpp"
#include "ledger/journal_body.hpp"
#include "ledger/recovery.hpp"

namespace faelled::ledger {

Expected<void> Journal::Body::start() {
  std::error_code code;
  if (std::filesystem::create_directories(options_.folder, code)) {
    std::filesystem::permissions(options_.folder, std::filesystem::perms::owner_all, code);
  }
  if (code) {
    return fail(Errc::io, options_.folder.string() + " cannot be made: " + code.message(),
                "check the rights and the disk of the data folder");
  }
  auto found = find_segments(options_.folder);
  if (!found) return std::unexpected(found.error());
  auto recovered = recover(*found);
  if (!recovered) return std::unexpected(recovered.error());

  // A new segment always: after a power cut the ledger may have read further than the disk kept, and what is written
  // below its position would never be read.
  std::uint64_t newest = options_.consumed.segment;
  for (auto& segment : *found) {
    newest = std::max(newest, segment->number);
    segments_.emplace(segment->number, std::move(segment));
  }
  current_number_ = newest;
  consumed_ = options_.consumed;
  unreadable_bytes_ = recovered->unreadable_bytes;
  recovered_ = recovered->left_open.size();
  requests_open_ = recovered_;
  for (const auto& [id, open] : recovered->left_open) reserved_bytes_ += closing_bytes(open.row);
  if (auto laid_out = lay_out_spares(); !laid_out) return laid_out;
  next_segment();

  for (auto& [id, open] : recovered->left_open) {
    Opening opening;
    opening.segment_ = open.segment;
    opening.room_bytes_ = static_cast<std::uint32_t>(closing_bytes(open.row));
    UsageRow row = std::move(open.row);
    row.outcome = Outcome::failed;
    row.cause = cause_server_stopped;
    closed(std::move(opening), row);
  }
  sync();
  if (failed_)
    return fail(Errc::io, options_.folder.string() + " cannot be synced", "check the disk of the data folder");
  keeper_ = std::thread([this] { keep(); });
  return {};
}

Journal::Body::~Body() {
  if (!keeper_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  keeper_wakes_.notify_one();
  keeper_.join();
}

std::size_t Journal::Body::usable_bytes() const {
  return options_.segment_bytes - segment_header_bytes - limits::journal_record_bytes_max;
}

bool Journal::Body::has_room(std::size_t bytes) const {
  const std::size_t rest = options_.segment_bytes - offset_;
  const std::size_t here = rest - std::min(rest, limits::journal_record_bytes_max);
  const std::size_t ahead = spare_count_.load(std::memory_order_acquire) * usable_bytes();
  return here + ahead >= reserved_bytes_.load(std::memory_order_relaxed) + bytes;
}

void Journal::Body::next_segment() {
  Spare spare;
  {
    const std::lock_guard lock(mutex_);
    FAELLED_CHECK(!spares_.empty(), "opened() took the room of every record to come");
    spare = std::move(spares_.front());
    spares_.pop_front();
    spare_count_.store(spares_.size(), std::memory_order_release);
    if (memory_) retired_.push_back(std::move(memory_));
    current_fd_ = spare.memory.fd();
  }
  memory_ = std::move(spare.memory);
  current_ = spare.segment;
  offset_ = segment_header_bytes;
  current_number_.store(current_->number, std::memory_order_release);
  wake_keeper(spares_low_);
}

// A system call only for the first reason since the keeper last looked.
void Journal::Body::wake_keeper(std::atomic<bool>& reason) {
  if (reason.load(std::memory_order_relaxed) || reason.exchange(true)) return;
  {
    const std::lock_guard lock(mutex_);
  }
  keeper_wakes_.notify_one();
}

void Journal::Body::append(RecordKind kind, const UsageRow& row, std::size_t bytes) {
  if (offset_ + bytes > options_.segment_bytes) next_segment();
  encode(kind, row, current_->salt, {memory_.data() + offset_, bytes});
  offset_ += bytes;
  current_->end.store(offset_, std::memory_order_release);
  wake_keeper(dirty_);
}

Expected<Opening> Journal::Body::opened(const UsageRow& row) {
  const std::size_t bytes = record_bytes(row);
  const std::size_t room = closing_bytes(row);
  if (bytes == 0 || room == 0) return fail(Errc::too_large, "the names of this request are too long for the journal");
  if (failed_.load(std::memory_order_relaxed)) {
    return fail(Errc::unavailable, "the disk of the journal has failed: " + options_.folder.string(),
                "check the disk and restart faelled");
  }
  if (!has_room(bytes + room)) {
    if (!disk_full_) wake_keeper(spares_low_);
    return fail(Errc::unavailable, "no room for the journal in " + options_.folder.string(),
                "free space on the disk of the data folder");
  }
  reserved_bytes_.fetch_add(room, std::memory_order_relaxed);
  append(RecordKind::opened, row, bytes);
  Opening out;
  out.segment_ = current_;
  out.room_bytes_ = static_cast<std::uint32_t>(room);
  current_->open.fetch_add(1, std::memory_order_relaxed);
  requests_open_.fetch_add(1, std::memory_order_relaxed);
  if (!has_room(usable_bytes()) && !disk_full_) wake_keeper(spares_low_);
  return out;
}

void Journal::Body::closed(Opening opening, const UsageRow& row) {
  FAELLED_CHECK(opening.segment_ != nullptr, "a request is closed once, by who opened it");
  const std::size_t bytes = record_bytes(row);
  FAELLED_CHECK(bytes != 0 && bytes <= opening.room_bytes_, "a request is closed under the names it was opened with");
  append(RecordKind::closed, row, bytes);
  reserved_bytes_.fetch_sub(opening.room_bytes_, std::memory_order_relaxed);
  requests_open_.fetch_sub(1, std::memory_order_relaxed);
  opening.segment_->open.fetch_sub(1, std::memory_order_release);
  opening.segment_ = nullptr;
}

void Journal::Body::consumed(Position position) {
  bool segment_done = false;
  {
    const std::lock_guard lock(mutex_);
    segment_done = position.segment > consumed_.segment;
    consumed_ = std::max(consumed_, position);
  }
  if (segment_done) wake_keeper(dirty_);  // it may have something to delete
}

void Journal::Body::notify(std::function<void()> readable) {
  {
    const std::lock_guard lock(readable_mutex_);
    readable_ = std::move(readable);
  }
  wake_keeper(dirty_);
}

JournalStats Journal::Body::stats() const {
  JournalStats out;
  out.requests_open = requests_open_.load(std::memory_order_relaxed);
  out.unreadable_bytes = unreadable_bytes_.load(std::memory_order_relaxed);
  out.recovered = recovered_;
  out.failed = failed_.load(std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  out.segments = segments_.size();
  return out;
}

Journal::Journal(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Journal::~Journal() = default;

Expected<std::unique_ptr<Journal>> Journal::open(Options options) {
  FAELLED_CHECK(options.segment_bytes % 8 == 0 && options.segment_bytes >= 4 * limits::journal_record_bytes_max,
                "a segment holds some records");
  auto body = std::make_unique<Body>(std::move(options));
  if (auto started = body->start(); !started) return std::unexpected(started.error());
  return std::unique_ptr<Journal>(new Journal(std::move(body)));
}

Expected<Opening> Journal::opened(const UsageRow& row) { return body_->opened(row); }
void Journal::closed(Opening opening, const UsageRow& row) { body_->closed(std::move(opening), row); }
Expected<Batch> Journal::read(Position from, std::size_t rows_max) { return body_->read(from, rows_max); }
void Journal::consumed(Position position) { body_->consumed(position); }
void Journal::notify(std::function<void()> readable) { body_->notify(std::move(readable)); }
JournalStats Journal::stats() const { return body_->stats(); }

}  // namespace faelled::ledger
