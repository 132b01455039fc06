// SHA-256 and what goes with it. Secrets are kept as digests; comparing and printing them has its place here.
// Pure functions, callable from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace faelled::crypto {

using Digest = std::array<std::byte, 32>;

Digest sha256(std::span<const std::byte> bytes);
Digest sha256(std::string_view text);

// SHA-256 of what comes in pieces, such as a file that is fetched. One owner, any one thread.
class RunningSha256 {
 public:
  RunningSha256();
  ~RunningSha256();
  RunningSha256(const RunningSha256&) = delete;
  RunningSha256& operator=(const RunningSha256&) = delete;

  void add(std::span<const std::byte> bytes);
  // Of all that was added; begins anew.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Lower-case, two characters a byte.
std::string hex(std::span<const std::byte> bytes);

// What hex() wrote, in either case; nothing for what is no digest.
std::optional<Digest> from_hex(std::string_view text);
// Of any other length. False: it is not so many bytes, and `out` holds nothing of use.
bool from_hex(std::string_view text, std::span<std::byte> out);

// True for equal length and content; the time it takes tells only the length.
bool equal_constant_time(std::span<const std::byte> a, std::span<const std::byte> b);

// A digest is uniform already: its first bytes are its hash.
struct DigestHash {
  std::size_t operator()(const Digest& digest) const;
};

}  // namespace faelled::crypto
