#include "crypto/git_blob.hpp"

#include <openssl/evp.h>

#include <charconv>
#include <string>

#include "base/check.hpp"

namespace faelled::crypto {

struct RunningGitBlob::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() { FAELLED_CHECK(context != nullptr, "a context is a little memory"); }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

RunningGitBlob::RunningGitBlob(std::uint64_t bytes) : state_(std::make_unique<State>()) {
  FAELLED_CHECK(EVP_DigestInit_ex(state_->context, EVP_sha1(), nullptr) == 1, "every OpenSSL has SHA-1");
  std::string head = "blob " + std::to_string(bytes);
  head += '\0';
  add(std::as_bytes(std::span(head)));
}

RunningGitBlob::~RunningGitBlob() = default;

void RunningGitBlob::add(std::span<const std::byte> bytes) {
  FAELLED_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1, "hashing memory cannot fail");
}

GitBlobId RunningGitBlob::finish() {
  GitBlobId out;
  unsigned int size = 0;
  const bool ok = EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(out.data()), &size) == 1;
  FAELLED_CHECK(ok && size == out.size(), "hashing memory cannot fail");
  return out;
}

std::optional<GitBlobId> git_blob_id_from_hex(std::string_view text) {
  GitBlobId out{};
  if (text.size() != 2 * out.size()) return std::nullopt;
  for (std::size_t i = 0; i < out.size(); ++i) {
    unsigned value = 0;
    const char* at = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(at, at + 2, value, 16);
    if (error != std::errc() || end != at + 2) return std::nullopt;
    out[i] = std::byte(value);
  }
  return out;
}

}  // namespace faelled::crypto
