// Sealed bytes: AES-256-GCM with a random nonce, for words that only their writers may read. Blob: version (1 byte),
// nonce (12), ciphertext, tag (16). `bound_to` names the place the blob belongs to and is authenticated with it, so
// that a blob moved to another row does not open. Pure functions, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"

namespace faelled::crypto {

using Bytes = std::vector<std::byte>;
using SealKey = std::array<std::byte, 32>;

SealKey make_seal_key(Random& random);

// Errors: internal (the library refuses).
Expected<Bytes> seal(const SealKey& key, std::string_view plain, std::string_view bound_to, Random& random);

// Errors: invalid (another key, another place, or changed bytes), incompatible (a blob of a newer version).
Expected<std::string> unseal(const SealKey& key, std::span<const std::byte> sealed, std::string_view bound_to);

}  // namespace faelled::crypto
