#include "front_ends/signed_token.hpp"

#include <algorithm>
#include <array>

#include "crypto/base64url.hpp"
#include "crypto/hmac.hpp"

namespace faelled::front_ends {
namespace {

constexpr std::int64_t year_9999_s = 253'402'300'799;

struct Parts {
  std::string_view signed_text;  // header '.' payload, as they came
  std::string header;
  std::string payload;
  std::string signature;
};

std::optional<Parts> parts_of(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto header = crypto::from_base64url(token.substr(0, first));
  auto payload = crypto::from_base64url(token.substr(first + 1, second - first - 1));
  auto signature = crypto::from_base64url(token.substr(second + 1));
  if (!header || !payload || !signature) return std::nullopt;
  return Parts{token.substr(0, second), std::move(*header), std::move(*payload), std::move(*signature)};
}

// Nothing that we do not understand may be critical (RFC 7515 section 4.1.11).
TokenFault header_fault(std::string_view header, json::Document& document) {
  const auto root = document.parse(header);
  if (!root || root->kind() != json::Kind::object || root->find("crit")) return TokenFault::malformed;
  const auto algorithm = root->find("alg");
  return algorithm && algorithm->text_is("HS256") ? TokenFault::none : TokenFault::wrong_algorithm;
}

bool signed_with(const Parts& parts, const std::string& secret) {
  const crypto::Digest wanted = crypto::hmac_sha256(secret, parts.signed_text);
  return crypto::equal_constant_time(wanted, std::as_bytes(std::span(parts.signature)));
}

std::string text_of(const json::Value& value) {
  if (value.kind() == json::Kind::number) return std::string(value.raw());
  return value.text().value_or("");
}

// NumericDate: seconds, perhaps with a fraction (RFC 7519 section 2). Nothing for what is none.
std::optional<WallTime> time_of(const std::optional<json::Value>& value) {
  const auto seconds = value ? value->number() : std::nullopt;
  if (!seconds || !(*seconds >= 0) || *seconds > static_cast<double>(year_9999_s)) return std::nullopt;
  return from_unix_micros(static_cast<std::int64_t>(*seconds * 1e6));
}

// A list, or one text with commas.
std::vector<std::string> groups_of(const json::Value& value) {
  std::vector<std::string> groups;
  if (value.kind() == json::Kind::array) {
    for (const json::Value item : value.items()) {
      if (groups.size() >= limits::front_end_groups_max) break;
      if (auto text = item.text(); text && !text->empty()) groups.push_back(std::move(*text));
    }
    return groups;
  }
  return split_groups(value.text().value_or(""));
}

bool read_claims(std::string_view payload, ReadToken& read, json::Document& document) {
  const auto root = document.parse(payload);
  if (!root || root->kind() != json::Kind::object) return false;
  Person person;
  const auto text = [&](std::string_view name) {
    const auto value = root->find(name);
    return value ? text_of(*value) : std::string();
  };
  person.subject = text("sub");
  person.email = text("email");
  person.name = text("name");
  person.role = text("role");
  if (const auto groups = root->find("groups")) person.groups = groups_of(*groups);
  for (const json::Member member : root->members()) {
    if (person.claims.size() >= limits::front_end_claims_max) break;
    const json::Kind kind = member.value.kind();
    if (kind == json::Kind::text || kind == json::Kind::number)
      person.claims.emplace_back(member.name.text().value_or(""), text_of(member.value));
  }
  read.issuer = text("iss");
  read.issued_at = time_of(root->find("iat"));
  read.expires_at = time_of(root->find("exp"));
  read.person = std::move(person);
  return true;
}

TokenFault claims_fault(const ReadToken& read, const TokenRules& rules, WallTime now) {
  // In microseconds, as the times are: compared in nanoseconds a far time would overflow, and seem near.
  const auto skew = std::chrono::ceil<std::chrono::microseconds>(rules.clock_skew);
  const auto life_max = std::chrono::floor<std::chrono::microseconds>(rules.life_max);
  if (read.issuer != rules.issuer) return TokenFault::wrong_issuer;
  if (read.person->subject.empty() || read.person->subject.size() > limits::front_end_subject_bytes_max)
    return TokenFault::no_subject;
  if (!read.expires_at) return TokenFault::no_expiry;
  if (*read.expires_at + skew <= now) return TokenFault::expired;
  if (read.issued_at && *read.issued_at > now + skew) return TokenFault::not_yet;
  const WallTime begun = read.issued_at.value_or(now);
  if (*read.expires_at - begun > life_max || *read.expires_at - now > life_max + skew)
    return TokenFault::lives_too_long;
  return TokenFault::none;
}

}  // namespace

std::string_view words_of(TokenFault fault) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(last_token_fault) + 1> words = {
      "it is valid",
      "it is longer than 4096 bytes",
      "it is no JSON Web Token: three base64url parts with dots between them, the first two JSON objects",
      "its algorithm is not HS256",
      "its signature is not made with the secret we share",
      "another issuer has made it",
      "it does not say who the person is (sub), or at too great length",
      "it has no time of expiry (exp)",
      "it is valid for too long",
      "it has expired",
      "it is from the future: the clocks differ",
  };
  return words[static_cast<std::size_t>(fault)];
}

std::vector<std::string> split_groups(std::string_view text) {
  std::vector<std::string> groups;
  while (!text.empty() && groups.size() < limits::front_end_groups_max) {
    const std::size_t comma = text.find(',');
    std::string_view one = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (!one.empty()) groups.emplace_back(one);
  }
  return groups;
}

ReadToken read_token(std::string_view token, const TokenRules& rules, WallTime now, json::Document& document) {
  ReadToken read;
  if (token.size() > limits::front_end_token_bytes_max) {
    read.fault = TokenFault::too_long;
    return read;
  }
  const auto parts = parts_of(token);
  if (!parts) return read;
  const bool readable = read_claims(parts->payload, read, document);
  read.fault = header_fault(parts->header, document);
  if (read.fault != TokenFault::none) return read;
  bool genuine = false;
  for (const std::string& secret : rules.secrets) genuine = signed_with(*parts, secret) || genuine;
  if (!genuine) {
    read.fault = TokenFault::wrong_signature;
  } else if (!readable) {
    read.fault = TokenFault::malformed;
  } else {
    read.fault = claims_fault(read, rules, now);
  }
  return read;
}

}  // namespace faelled::front_ends
