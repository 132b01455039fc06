#include "crypto/seal.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <climits>
#include <memory>

namespace faelled::crypto {
namespace {

constexpr std::byte version{1};
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t head_bytes = 1 + nonce_bytes;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* raw(const std::byte* p) { return reinterpret_cast<const unsigned char*>(p); }
unsigned char* raw(std::byte* p) { return reinterpret_cast<unsigned char*>(p); }
const unsigned char* raw(const char* p) { return reinterpret_cast<const unsigned char*>(p); }

}  // namespace

SealKey make_seal_key(Random& random) {
  SealKey key;
  random.fill(key);
  return key;
}

Expected<Bytes> seal(const SealKey& key, std::string_view plain, std::string_view bound_to, Random& random) {
  if (plain.size() > INT_MAX / 2 || bound_to.size() > INT_MAX / 2) return fail(Errc::too_large, "too long to seal");
  Bytes out(head_bytes + plain.size() + tag_bytes);
  out[0] = version;
  random.fill(std::span(out).subspan(1, nonce_bytes));
  const Context context(EVP_CIPHER_CTX_new());
  int written = 0;
  std::byte* body = out.data() + head_bytes;
  const bool ok =
      context != nullptr &&
      EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), raw(key.data()), raw(out.data() + 1), nullptr) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &written, raw(bound_to.data()), static_cast<int>(bound_to.size())) ==
          1 &&
      EVP_EncryptUpdate(context.get(), raw(body), &written, raw(plain.data()), static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), raw(body + plain.size()), &written) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_bytes), body + plain.size()) == 1;
  if (!ok) return fail(Errc::internal, "AES-256-GCM is not available", "check the installed OpenSSL");
  return out;
}

Expected<std::string> unseal(const SealKey& key, std::span<const std::byte> sealed, std::string_view bound_to) {
  if (sealed.empty()) return fail(Errc::invalid, "sealed text is empty");
  if (sealed[0] != version) {
    return fail(Errc::incompatible, "sealed text has an unknown version", "use the version of faelled that wrote it");
  }
  if (sealed.size() < head_bytes + tag_bytes) return fail(Errc::invalid, "sealed text is cut off");
  std::string out(sealed.size() - head_bytes - tag_bytes, '\0');
  Bytes tag(sealed.end() - tag_bytes, sealed.end());
  const Context context(EVP_CIPHER_CTX_new());
  int written = 0;
  auto* text = reinterpret_cast<unsigned char*>(out.data());
  const bool ok =
      context != nullptr &&
      EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), raw(key.data()), raw(sealed.data() + 1), nullptr) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &written, raw(bound_to.data()), static_cast<int>(bound_to.size())) ==
          1 &&
      EVP_DecryptUpdate(context.get(), text, &written, raw(sealed.data() + head_bytes), static_cast<int>(out.size())) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag_bytes), tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), text + out.size(), &written) == 1;
  if (!ok)
    return fail(Errc::invalid, "sealed text does not open with this key", "restore the master.key it was made with");
  return out;
}

}  // namespace faelled::crypto
