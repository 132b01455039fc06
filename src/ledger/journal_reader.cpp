#include "base/check.hpp"
#include "ledger/journal_body.hpp"

namespace faelled::ledger {
namespace {

constexpr std::size_t chunk_bytes = 128 * 1024;
static_assert(chunk_bytes > limits::journal_record_bytes_max);

}  // namespace

// Reads on in `segment` up to `end`; true when `end` is reached.
Expected<bool> Journal::Body::read_segment(Segment& segment, std::uint64_t end, Batch& batch, std::size_t rows_max) {
  if (read_number_ != segment.number) {
    auto file = MappedFile::open_to_read(segment.file);
    if (!file) return std::unexpected(file.error());
    read_file_ = std::move(*file);
    read_number_ = segment.number;
  }
  std::uint64_t& at = batch.next.offset;
  while (at < end && batch.closed.size() < rows_max) {
    read_buffer_.resize(std::min<std::uint64_t>(chunk_bytes, end - at));
    auto read = read_at(read_file_.fd(), segment.file, at, read_buffer_);
    if (!read) return std::unexpected(read.error());
    const bool to_end = at + read_buffer_.size() == end;
    std::size_t used = 0;
    while (used < read_buffer_.size() && batch.closed.size() < rows_max) {
      // A record cut by the chunk's end is read with the next chunk.
      if (!to_end && read_buffer_.size() - used < limits::journal_record_bytes_max) break;
      auto record = decode(std::span(read_buffer_).subspan(used), segment.salt);
      const std::size_t step = record ? record->bytes : 8;
      if (!record) batch.unreadable_bytes += step;
      used += step;
      if (record && record->kind == RecordKind::closed) batch.closed.push_back(std::move(record->row));
    }
    at += used;
  }
  return at >= end;
}

Expected<Batch> Journal::Body::read(Position from, std::size_t rows_max) {
  Batch batch;
  batch.next = from;
  for (;;) {
    // First the current number, then the end: the end of a segment before the current one stands.
    const std::uint64_t current = current_number_.load(std::memory_order_acquire);
    Segment* segment = nullptr;
    {
      const std::lock_guard lock(mutex_);
      const auto found = segments_.lower_bound(batch.next.segment);
      FAELLED_CHECK(found != segments_.end() && found->first <= current, "the current segment is never removed");
      segment = found->second.get();
    }
    // Not removed while we read it: only consumed() lets that happen, on this thread, and only for earlier segments.
    if (segment->number != batch.next.segment) batch.next = {segment->number, segment_header_bytes};
    const std::uint64_t end = segment->end.load(std::memory_order_acquire);
    auto at_end = read_segment(*segment, end, batch, rows_max);
    if (!at_end) return std::unexpected(at_end.error());
    if (!*at_end || segment->number == current) return batch;
    batch.next = {segment->number + 1, segment_header_bytes};
  }
}

}  // namespace faelled::ledger
