// What members, users and keys may be called: a name is shown to people, an id stands in addresses, logs and CSV. Pure.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace faelled {

// UTF-8, 1 to limits::name_bytes_max bytes, no control or direction characters, no space at either end. `what` begins
// the message, e.g. "the key's name". Errors: invalid.
Expected<void> check_name(std::string_view what, std::string_view name);

// 1 to limits::member_id_bytes_max of A–Z, a–z, 0–9, '.', '_', '-', the first a letter or digit. Errors: invalid.
Expected<void> check_member_id(std::string_view id);

// Empty, or one @ with something on both sides, no spaces or control characters, at most limits::email_bytes_max bytes.
// Whether mail arrives there nobody knows. Errors: invalid.
Expected<void> check_email(std::string_view email);

// Whom to ask, in the member's own words; empty: nobody is named. Errors: invalid.
Expected<void> check_contact(std::string_view text);

// Why an agreement is suspended, in one language; empty: it is not. Errors: invalid.
Expected<void> check_reason(std::string_view text);

// What a front end calls somebody: 1 to limits::external_id_bytes_max bytes that can be seen. Errors: invalid.
Expected<void> check_external_id(std::string_view id);

}  // namespace faelled
