#include "members/derived_ids.hpp"

#include <cstdint>

namespace faelled::members {
namespace {

// The form of make_id(): 128 bits in 26 characters, the first of which holds three.
std::string id_of(std::string prefix, const crypto::Digest& digest) {
  constexpr std::string_view crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::uint64_t held = 0;
  unsigned bits = 2;
  for (std::size_t i = 0; i < 16; ++i) {
    held = held << 8U | std::to_integer<std::uint64_t>(digest[i]);
    for (bits += 8; bits >= 5; bits -= 5) prefix += crockford[held >> (bits - 5) & 31U];
  }
  return prefix;
}

// With its length before it, so that no two sequences of texts are written the same.
std::string with_length(std::string_view text) { return std::to_string(text.size()) + ":" + std::string(text) + "\n"; }

}  // namespace

std::string derived_user_id(std::string_view source, std::string_view member, std::string_view subject) {
  return id_of("usr_", crypto::sha256("user\n" + with_length(source) + with_length(member) + with_length(subject)));
}

std::string derived_key_id(const crypto::Digest& hash) {
  return id_of("key_", crypto::sha256("key\n" + crypto::hex(hash)));
}

}  // namespace faelled::members
