// Where certificates, keys and authorities lie, and contexts made from them. A stamp tells when a file was replaced or
// written, so that a renewed certificate needs no restart. Blocking, but of small local files; loop's thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/error.hpp"
#include "crypto/tls_context.hpp"

namespace faelled::crypto {

struct TlsServerFiles {
  std::filesystem::path certificate;
  std::filesystem::path key;
  std::filesystem::path client_ca;  // empty: client certificates are not asked for
  ClientCertificates client_certificates = ClientCertificates::none;
};

struct TlsClientFiles {
  std::string ca;           // empty: what the system trusts
  std::string certificate;  // empty: none is shown
  std::string key;
  auto operator<=>(const TlsClientFiles&) const = default;
};

// The fault's message names the file.
TlsContext::Made read_server(const TlsServerFiles& files);
TlsContext::Made read_client(const TlsClientFiles& files);

// Differs whenever one of the files is another, was written, or is there no more; follows links.
std::string stamp_of(const TlsServerFiles& files);
std::string stamp_of(const TlsClientFiles& files);

// Others than its owner may read it: of a key that is a warning's worth.
bool others_may_read(const std::filesystem::path& file);

// The asking side's contexts by their files, read again when those have changed.
class TlsClientContexts {
 public:
  // Errors: io, with file and reason.
  Expected<std::shared_ptr<const TlsContext>> of(const TlsClientFiles& files);

 private:
  struct Kept {
    std::string stamp;
    std::shared_ptr<const TlsContext> context;
  };
  std::map<TlsClientFiles, Kept> kept_;  // as many as models of the configuration
};

}  // namespace faelled::crypto
