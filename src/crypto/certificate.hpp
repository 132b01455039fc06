// Certificate: what an X.509 certificate says about who holds it and how long. A value; whether anybody vouches for it
// is the caller's to know. Pure, any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace faelled::crypto {

// Names hold no control byte: one with any is left out, because "faelled.dk\0.evil.example" is somebody's trick.
struct Certificate {
  std::string common_name;  // of the subject; empty: none
  std::string subject;      // all of it, as RFC 2253 writes it: "CN=proxy,O=Example"
  std::string issuer;       // in the same form
  std::vector<std::string> dns;
  std::vector<std::string> emails;
  std::vector<std::string> uris;
  std::vector<std::string> addresses;  // "192.0.2.1", "2001:db8::1"
  std::string fingerprint;             // SHA-256 of the DER form, 64 hexadecimal digits in lower case
  WallTime not_before;
  WallTime not_after;

  // `name` is the common name, or one of the DNS names, e-mail addresses or URIs, exactly.
  bool names(std::string_view name) const;
};

// Errors: invalid (no certificate, or more behind it).
Expected<Certificate> read_certificate(std::span<const std::byte> der);

}  // namespace faelled::crypto
