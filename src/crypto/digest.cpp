#include "crypto/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstring>
#include <memory>

#include "base/check.hpp"
#include "crypto/openssl.hpp"

namespace faelled::crypto {
namespace {

// OpenSSL 3 looks an algorithm up by name on every one-shot call, which costs more than the hash. So one context per
// thread is made ready once and begun anew for each text: the only state here, and no call sees another's.
struct Sha256 {
  Owned<EVP_MD_CTX> context{EVP_MD_CTX_new()};
  Sha256() {
    EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    FAELLED_CHECK(algorithm != nullptr && context != nullptr, "every OpenSSL has SHA-256");
    FAELLED_CHECK(EVP_DigestInit_ex2(context.get(), algorithm, nullptr) == 1, "SHA-256 needs no parameters");
    EVP_MD_free(algorithm);  // the context holds its own reference
  }
};

}  // namespace

Digest sha256(std::span<const std::byte> bytes) {
  thread_local Sha256 ready;
  Digest out;
  unsigned int size = 0;
  const bool ok = EVP_DigestInit_ex2(ready.context.get(), nullptr, nullptr) == 1 &&
                  EVP_DigestUpdate(ready.context.get(), bytes.data(), bytes.size()) == 1 &&
                  EVP_DigestFinal_ex(ready.context.get(), reinterpret_cast<unsigned char*>(out.data()), &size) == 1;
  FAELLED_CHECK(ok && size == out.size(), "hashing memory cannot fail");
  return out;
}

Digest sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }

struct RunningSha256::State : Sha256 {};

RunningSha256::RunningSha256() : state_(std::make_unique<State>()) {}
RunningSha256::~RunningSha256() = default;

void RunningSha256::add(std::span<const std::byte> bytes) {
  FAELLED_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1, "hashing memory cannot fail");
}

Digest RunningSha256::finish() {
  Digest out;
  unsigned int size = 0;
  const bool ok = EVP_DigestFinal_ex(state_->context.get(), reinterpret_cast<unsigned char*>(out.data()), &size) == 1 &&
                  EVP_DigestInit_ex2(state_->context.get(), nullptr, nullptr) == 1;
  FAELLED_CHECK(ok && size == out.size(), "hashing memory cannot fail");
  return out;
}

std::string hex(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out(bytes.size() * 2, '0');
  char* at = out.data();
  for (const std::byte b : bytes) {
    *at++ = digits[std::to_integer<unsigned>(b) >> 4U];
    *at++ = digits[std::to_integer<unsigned>(b) & 15U];
  }
  return out;
}

std::optional<Digest> from_hex(std::string_view text) {
  Digest out{};
  return from_hex(text, out) ? std::optional(out) : std::nullopt;
}

bool from_hex(std::string_view text, std::span<std::byte> out) {
  if (text.size() != out.size() * 2) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const int value = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (value < 0) return false;
    out[i / 2] = out[i / 2] << 4U | std::byte(value);
  }
  return true;
}

bool equal_constant_time(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::size_t DigestHash::operator()(const Digest& digest) const {
  std::size_t out = 0;
  std::memcpy(&out, digest.data(), sizeof out);
  return out;
}

}  // namespace faelled::crypto
