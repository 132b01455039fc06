// SignedToken: the JSON Web Token (RFC 7519, HS256) by which a front end says who is behind one request. Open WebUI
// signs one per request when FORWARD_USER_INFO_HEADER_JWT_SECRET is set. Only HS256 is taken, whatever the token says
// of itself; a token without an end, or with one further away than life_max, is no token. Pure, time is an argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "front_ends/person.hpp"
#include "json/document.hpp"

namespace faelled::front_ends {

enum class TokenFault : std::uint8_t {
  none,
  too_long,
  malformed,
  wrong_algorithm,
  wrong_signature,
  wrong_issuer,
  no_subject,
  no_expiry,
  lives_too_long,
  expired,
  not_yet,
};
inline constexpr TokenFault last_token_fault = TokenFault::not_yet;

// For the person who operates the front end: what is wrong, in one sentence that names no content.
std::string_view words_of(TokenFault fault);

struct TokenRules {
  std::vector<std::string> secrets;  // any of them: the new and the old one while they are changed
  std::string issuer = "open-webui";
  Duration clock_skew = limits::front_end_clock_skew;  // between the front end's clock and ours, both ways
  Duration life_max = limits::front_end_token_life_max;
};

struct ReadToken {
  TokenFault fault = TokenFault::malformed;
  // What the token says, where it can be read at all: to be shown, and to be believed only where there is no fault.
  std::optional<Person> person;
  std::string issuer;
  std::optional<WallTime> issued_at;
  std::optional<WallTime> expires_at;

  bool believed() const { return fault == TokenFault::none; }
};

// "a, b,c" → a, b and c; at most limits::front_end_groups_max.
std::vector<std::string> split_groups(std::string_view text);

// At most limits::front_end_token_bytes_max bytes. The signatures are compared in constant time, and nothing of the
// claims decides before the signature does.
ReadToken read_token(std::string_view token, const TokenRules& rules, WallTime now, json::Document& document);

}  // namespace faelled::front_ends
