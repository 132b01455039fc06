// A key made of a passphrase, slow on purpose: scrypt (RFC 7914) through OpenSSL. For files that leave the machine.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "crypto/seal.hpp"

namespace faelled::crypto {

inline constexpr std::size_t passphrase_salt_bytes = 16;

// About a tenth of a second and 64 MiB. Errors: internal (the library refuses).
Expected<SealKey> key_of_passphrase(std::string_view passphrase, std::span<const std::byte> salt);

}  // namespace faelled::crypto
