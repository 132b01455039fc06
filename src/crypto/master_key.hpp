// The key that wraps every member's data key: a file of its own, owner-only, outside the database, so that a copy of
// the database alone opens nothing. Read once at start.
#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "base/random.hpp"
#include "crypto/seal.hpp"

namespace faelled::crypto {

// Errors: not_found, forbidden (others may read it), invalid (no key in it), io.
Expected<SealKey> read_master_key(const std::filesystem::path& file);

// Writes a new key, whole and synced, mode 0600. Errors: exists, io.
Expected<SealKey> create_master_key(const std::filesystem::path& file, Random& random);

}  // namespace faelled::crypto
