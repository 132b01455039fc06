#include "crypto/passphrase.hpp"

#include <openssl/evp.h>

namespace faelled::crypto {

Expected<SealKey> key_of_passphrase(std::string_view passphrase, std::span<const std::byte> salt) {
  constexpr std::uint64_t cost = 1U << 16, block = 8, parallel = 1;
  constexpr std::uint64_t memory_bytes_max = 128 * 1024 * 1024;
  SealKey key{};
  if (EVP_PBE_scrypt(passphrase.data(), passphrase.size(), reinterpret_cast<const unsigned char*>(salt.data()),
                     salt.size(), cost, block, parallel, memory_bytes_max, reinterpret_cast<unsigned char*>(key.data()),
                     key.size()) != 1)
    return fail(Errc::internal, "scrypt is not available", "check the installed OpenSSL and the free memory");
  return key;
}

}  // namespace faelled::crypto
