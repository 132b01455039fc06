#include "crypto/git_blob.hpp"

#include <string>

#include "base/check.hpp"
#include "crypto/digest.hpp"
#include "crypto/openssl.hpp"

namespace faelled::crypto {

struct RunningGitBlob::State {
  Owned<EVP_MD_CTX> context{EVP_MD_CTX_new()};
};

RunningGitBlob::RunningGitBlob(std::uint64_t bytes) : state_(std::make_unique<State>()) {
  FAELLED_CHECK(state_->context != nullptr && EVP_DigestInit_ex(state_->context.get(), EVP_sha1(), nullptr) == 1,
                "every OpenSSL has SHA-1");
  std::string head = "blob " + std::to_string(bytes);
  head += '\0';
  add(std::as_bytes(std::span(head)));
}

RunningGitBlob::~RunningGitBlob() = default;

void RunningGitBlob::add(std::span<const std::byte> bytes) {
  FAELLED_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1, "hashing memory cannot fail");
}

GitBlobId RunningGitBlob::finish() {
  GitBlobId out;
  unsigned int size = 0;
  const bool ok = EVP_DigestFinal_ex(state_->context.get(), reinterpret_cast<unsigned char*>(out.data()), &size) == 1;
  FAELLED_CHECK(ok && size == out.size(), "hashing memory cannot fail");
  return out;
}

std::optional<GitBlobId> git_blob_id_from_hex(std::string_view text) {
  GitBlobId out{};
  return from_hex(text, out) ? std::optional(out) : std::nullopt;
}

}  // namespace faelled::crypto
