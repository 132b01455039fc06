#include "ledger/recovery.hpp"

#include <algorithm>

#include "ledger/record.hpp"

namespace faelled::ledger {
namespace {

// The distance from the last record to the last byte that is not zero: a torn record, not free room.
std::size_t written_beyond(std::span<const std::byte> rest) {
  const auto last = std::find_if(rest.rbegin(), rest.rend(), [](std::byte b) { return b != std::byte{0}; });
  return static_cast<std::size_t>(rest.rend() - last);
}

void recover_segment(Segment& segment, std::span<const std::byte> bytes, Recovered& out) {
  std::size_t at = segment_header_bytes;
  std::size_t end = at;
  while (at + 8 <= bytes.size()) {
    auto record = decode(bytes.subspan(at), segment.salt);
    if (!record) {
      at += 8;
      continue;
    }
    out.unreadable_bytes += at - end;
    at += record->bytes;
    end = at;
    if (record->kind == RecordKind::opened) {
      std::string id = record->row.request_id;
      if (out.left_open.try_emplace(std::move(id), std::move(record->row), &segment).second) ++segment.open;
    } else if (const auto found = out.left_open.find(record->row.request_id); found != out.left_open.end()) {
      --found->second.segment->open;
      out.left_open.erase(found);
    }
  }
  segment.end = end;
  out.unreadable_bytes += written_beyond(bytes.subspan(end));
}

}  // namespace

Expected<Recovered> recover(const std::vector<std::unique_ptr<Segment>>& segments) {
  Recovered out;
  std::vector<std::byte> bytes;
  for (const auto& segment : segments) {
    // Read, not mapped: a bad block is then an error to report and no SIGBUS.
    const auto file = MappedFile::open_to_read(segment->file);
    if (!file) return std::unexpected(file.error());
    bytes.resize(segment->bytes);
    if (auto read = read_at(file->fd(), segment->file, 0, bytes); !read) return std::unexpected(read.error());
    recover_segment(*segment, bytes, out);
  }
  return out;
}

}  // namespace faelled::ledger
