#include "ledger/record.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "ledger/crc32c.hpp"

namespace faelled::ledger {
namespace {

static_assert(std::endian::native == std::endian::little, "the journal is little-endian and copied as it is");

constexpr std::size_t texts = 7;

struct Head {
  std::uint32_t size;
  std::uint32_t crc;
  std::uint8_t kind;
  std::uint8_t outcome;
  std::uint8_t lengths[texts];
  std::uint8_t zero[3];
  std::uint32_t input_tokens;
  std::uint32_t cached_tokens;
  std::uint32_t output_tokens;
  std::int64_t started_at_us;
  std::int64_t queue_us;
  std::int64_t load_us;
  std::int64_t engine_us;
  std::int64_t total_us;
};
static_assert(sizeof(Head) == 72 && std::is_trivially_copyable_v<Head>);

std::string_view cut_cause(const UsageRow& row) {
  std::string_view cause = row.cause;
  if (cause.size() <= limits::usage_cause_bytes_max) return cause;
  std::size_t end = limits::usage_cause_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(cause[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
  return cause.substr(0, end);
}

std::array<std::string_view, texts> texts_of(const UsageRow& row) {
  return {row.request_id, row.member, row.caller, row.key, row.user, row.model, cut_cause(row)};
}

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 7) & ~std::size_t{7}; }

std::size_t bytes_with_cause(const UsageRow& row, std::size_t cause_bytes) {
  std::size_t sum = sizeof(Head) + cause_bytes;
  for (const std::string* text : {&row.request_id, &row.member, &row.caller, &row.key, &row.user, &row.model}) {
    if (text->size() > 255) return 0;
    sum += text->size();
  }
  sum = aligned(sum);
  return sum > limits::journal_record_bytes_max ? 0 : sum;
}

std::uint32_t check_of(std::span<const std::byte> record, std::uint32_t salt) {
  return crc32c(crc32c(salt, record.first(4)), record.subspan(8));
}

}  // namespace

std::size_t record_bytes(const UsageRow& row) { return bytes_with_cause(row, cut_cause(row).size()); }

std::size_t closing_bytes(const UsageRow& row) { return bytes_with_cause(row, limits::usage_cause_bytes_max); }

void encode(RecordKind kind, const UsageRow& row, std::uint32_t salt, std::span<std::byte> out) {
  Head head{};
  head.size = static_cast<std::uint32_t>(out.size());
  head.kind = static_cast<std::uint8_t>(kind);
  head.outcome = static_cast<std::uint8_t>(row.outcome);
  head.input_tokens = row.input_tokens;
  head.cached_tokens = row.cached_tokens;
  head.output_tokens = row.output_tokens;
  head.started_at_us = unix_micros(row.started_at);
  head.queue_us = row.queue_us;
  head.load_us = row.load_us;
  head.engine_us = row.engine_us;
  head.total_us = row.total_us;
  std::byte* at = out.data() + sizeof head;
  std::size_t i = 0;
  for (const std::string_view text : texts_of(row)) {
    head.lengths[i++] = static_cast<std::uint8_t>(text.size());
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
  const auto padding = static_cast<std::size_t>(out.data() + out.size() - at);
  FAELLED_CHECK(padding < 8, "the caller asked record_bytes()");
  std::memset(at, 0, padding);
  std::memcpy(out.data(), &head, sizeof head);
  head.crc = check_of(out, salt);
  std::memcpy(out.data() + 4, &head.crc, 4);
}

std::optional<Record> decode(std::span<const std::byte> bytes, std::uint32_t salt) {
  Head head;
  if (bytes.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.size < sizeof head || head.size > limits::journal_record_bytes_max || head.size % 8 != 0 ||
      head.size > bytes.size()) {
    return std::nullopt;
  }
  if (check_of(bytes.first(head.size), salt) != head.crc) return std::nullopt;
  std::size_t sum = sizeof head;
  for (const std::uint8_t length : head.lengths) sum += length;
  const bool known = (head.kind == 1 || head.kind == 2) && head.outcome <= 3;
  if (!known || aligned(sum) != head.size) return std::nullopt;
  Record out;
  out.kind = static_cast<RecordKind>(head.kind);
  out.bytes = head.size;
  UsageRow& row = out.row;
  const char* at = reinterpret_cast<const char*>(bytes.data()) + sizeof head;
  std::size_t i = 0;
  for (std::string* text : {&row.request_id, &row.member, &row.caller, &row.key, &row.user, &row.model, &row.cause}) {
    text->assign(at, head.lengths[i]);
    at += head.lengths[i++];
  }
  row.started_at = from_unix_micros(head.started_at_us);
  row.input_tokens = head.input_tokens;
  row.cached_tokens = head.cached_tokens;
  row.output_tokens = head.output_tokens;
  row.queue_us = head.queue_us;
  row.load_us = head.load_us;
  row.engine_us = head.engine_us;
  row.total_us = head.total_us;
  row.outcome = static_cast<Outcome>(head.outcome);
  return out;
}

}  // namespace faelled::ledger
