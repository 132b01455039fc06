#include "crypto/hmac.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.hpp"

namespace faelled::crypto {

Digest hmac_sha256(std::string_view key, std::string_view text) {
  Digest out;
  unsigned int size = 0;
  // A null key means "the one of before" to OpenSSL; ours is never null, only perhaps empty.
  const auto* bytes = HMAC(EVP_sha256(), key.empty() ? "" : key.data(), static_cast<int>(key.size()),
                           reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                           reinterpret_cast<unsigned char*>(out.data()), &size);
  FAELLED_CHECK(bytes != nullptr && size == out.size(), "every OpenSSL has HMAC-SHA256");
  return out;
}

}  // namespace faelled::crypto
