// Signed tokens as a front end makes them, and as a forger would. Only tests include this file.
#pragma once

#include <fmt/format.h>

#include <string>

#include "base/clock.hpp"
#include "crypto/base64url.hpp"
#include "crypto/hmac.hpp"

namespace faelled::front_ends {

inline const std::string test_secret = "a-secret-of-thirty-two-characters";

inline std::string signed_text(const std::string& header, const std::string& payload,
                               const std::string& secret = test_secret) {
  const std::string text = crypto::base64url(header) + "." + crypto::base64url(payload);
  const crypto::Digest digest = crypto::hmac_sha256(secret, text);
  return text + "." + crypto::base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

struct TestToken {
  std::string subject = "7f1c";
  std::string email = "ida@aarhus.example";
  std::string name = "Ida Østergaard";
  std::string issuer = "open-webui";
  std::string header = R"({"alg":"HS256","typ":"JWT"})";
  std::string more;  // ,"groups":["Odense"]
  std::int64_t issued_s = 0;
  std::int64_t life_s = 300;

  // As Open WebUI 0.12 writes them.
  std::string payload() const {
    return fmt::format(R"({{"sub":"{}","email":"{}","name":"{}","role":"user","iss":"{}","iat":{},"exp":{}{}}})",
                       subject, email, name, issuer, issued_s, issued_s + life_s, more);
  }
  std::string text(const std::string& secret = test_secret) const { return signed_text(header, payload(), secret); }
};

inline TestToken token_at(WallTime now) {
  TestToken token;
  token.issued_s = unix_seconds(now);
  return token;
}

}  // namespace faelled::front_ends
