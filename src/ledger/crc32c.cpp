#include "ledger/crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace faelled::ledger {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? 0x82f63b78U ^ (value >> 1U) : value >> 1U;
    table[i] = value;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> table = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::uint32_t state, std::span<const std::byte> bytes) {
  std::uint64_t value = ~state;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    value = _mm_crc32_u64(value, word);
  }
  auto low = static_cast<std::uint32_t>(value);
  for (; i < bytes.size(); ++i) low = _mm_crc32_u8(low, std::to_integer<unsigned char>(bytes[i]));
  return ~low;
}
#endif

}  // namespace

std::uint32_t crc32c_portable(std::uint32_t state, std::span<const std::byte> bytes) {
  state = ~state;
  for (const std::byte b : bytes) state = table[(state ^ std::to_integer<std::uint32_t>(b)) & 255U] ^ (state >> 8U);
  return ~state;
}

std::uint32_t crc32c(std::uint32_t state, std::span<const std::byte> bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(state, bytes);
#endif
  return crc32c_portable(state, bytes);
}

}  // namespace faelled::ledger
