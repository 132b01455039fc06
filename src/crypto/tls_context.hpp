// TlsContext: one side's certificate, key and whom it trusts, read once and shared by the sessions made from it; those
// under way keep theirs when another takes its place. Immutable, so any thread may hold it.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "crypto/certificate.hpp"

namespace faelled::crypto {

enum class ClientCertificates : std::uint8_t {
  none,      // not asked for
  optional,  // asked for; one that is shown must be good
  required,  // without a good one there is no connection
};

// The parts are PEM texts. A certificate may be followed by those between it and its authority.
struct TlsServerSettings {
  std::string certificate;
  std::string key;
  std::string client_ca;
  ClientCertificates client_certificates = ClientCertificates::none;
};

struct TlsClientSettings {
  std::string ca;           // empty: those that the system trusts
  std::string certificate;  // empty: none is shown
  std::string key;
};

enum class TlsPart : std::uint8_t { certificate, key, ca };

// What is wrong with which part. `message` begins with a verb ("holds no certificate"), so that the caller names the
// file; it never holds anything of the key.
struct TlsFault {
  TlsPart part = TlsPart::certificate;
  std::string message;
  std::string hint;
};

class TlsContext {
 public:
  using Made = std::expected<std::shared_ptr<const TlsContext>, TlsFault>;

  // TLS 1.2 and 1.3, authenticated ciphers with forward secrecy, http/1.1 alone by ALPN. No renegotiation, compression,
  // early data or session tickets: a resumed session would keep a client's certificate that is no longer trusted.
  // That a certificate has run out is no fault here: whoever asks for it looks at own().
  static Made server(const TlsServerSettings& settings);
  // The same for the asking side. The other's certificate must be good and for the name that was asked for.
  static Made client(const TlsClientSettings& settings);

  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  const Certificate& own() const;  // empty where a client shows none
  const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace faelled::crypto
