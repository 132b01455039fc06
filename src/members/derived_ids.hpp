// Ids that follow from what they stand for, so that the same person or key gets the same id wherever and however often
// it is taken in: two gateways need not ask each other, and a row that the store lost is made again. Pure.
#pragma once

#include <string>
#include <string_view>

#include "crypto/digest.hpp"

namespace faelled::members {

// "usr_…": of the person whom `source` (a front end, an old gateway) calls `subject`, as a user of `member`.
std::string derived_user_id(std::string_view source, std::string_view member, std::string_view subject);

// "key_…": of a key that came with its hash.
std::string derived_key_id(const crypto::Digest& hash);

}  // namespace faelled::members
