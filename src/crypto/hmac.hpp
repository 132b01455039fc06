// HMAC-SHA256 (RFC 2104), for tokens that somebody else has signed with a secret we share. Pure, any thread.
#pragma once

#include <string_view>

#include "crypto/digest.hpp"

namespace faelled::crypto {

// `key` of any length up to 2 GiB; of an empty one the answer is well defined and worth nothing.
Digest hmac_sha256(std::string_view key, std::string_view text);

}  // namespace faelled::crypto
