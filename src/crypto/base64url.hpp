// Base64url without padding, as signed tokens use it (RFC 4648 section 5, RFC 7515 section 2). Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace faelled::crypto {

std::string base64url(std::string_view bytes);

// Strict: one text for each sequence of bytes, so nothing for padding, white space, other characters, an impossible
// length, or bits left over that are not zero.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace faelled::crypto
