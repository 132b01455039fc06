// Record: one usage row as bytes in a journal segment. Self-contained, a multiple of 8 bytes, little-endian, checked by
// a CRC that begins with the segment's salt: bytes that a client had us write into a record are no record themselves,
// so after damage the next whole record can be found by looking for it. Pure.
//
//   size u32, crc u32, kind u8, outcome u8, 7 lengths u8, 3 zero bytes, 3 × tokens u32, started_at and 4 times i64,
//   text
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "ledger/usage_row.hpp"

namespace faelled::ledger {

enum class RecordKind : std::uint8_t { opened = 1, closed = 2 };

// Bytes that encode() will take; 0: a field is longer than a record can say.
std::size_t record_bytes(const UsageRow& row);

// Room for the closing record of an opened row: its cause may be as long as a cause gets.
std::size_t closing_bytes(const UsageRow& row);

// `out` holds record_bytes(row) bytes, which is not 0. A cause over limits::usage_cause_bytes_max is cut.
void encode(RecordKind kind, const UsageRow& row, std::uint32_t salt, std::span<std::byte> out);

struct Record {
  RecordKind kind = RecordKind::opened;
  std::size_t bytes = 0;
  UsageRow row;
};

// The record at the beginning of `bytes`, if a whole one is there.
std::optional<Record> decode(std::span<const std::byte> bytes, std::uint32_t salt);

}  // namespace faelled::ledger
