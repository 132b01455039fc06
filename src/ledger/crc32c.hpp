// CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where it has one: finds torn and flipped
// bytes in the journal. Not for secrets. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace faelled::ledger {

// Goes on from `state`; begin with any seed.
std::uint32_t crc32c(std::uint32_t state, std::span<const std::byte> bytes);

// The same by table alone, for processors without the instruction.
std::uint32_t crc32c_portable(std::uint32_t state, std::span<const std::byte> bytes);

}  // namespace faelled::ledger
