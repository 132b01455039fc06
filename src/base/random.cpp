#include "base/random.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cstring>

#include "base/check.hpp"

namespace faelled {

std::uint64_t Random::u64() {
  std::uint64_t value = 0;
  fill(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

void SystemRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    if (left_ == 0) {
      std::size_t have = 0;
      while (have < buffer_bytes_max) {
        const ssize_t got = ::getrandom(buffer_ + have, buffer_bytes_max - have, 0);
        FAELLED_CHECK(got > 0, "getrandom with a live kernel gives bytes");
        have += static_cast<std::size_t>(got);
      }
      left_ = buffer_bytes_max;
    }
    const std::size_t take = std::min(left_, out.size());
    std::byte* from = buffer_ + (buffer_bytes_max - left_);
    std::memcpy(out.data(), from, take);
    std::memset(from, 0, take);  // a byte is given out once and not kept
    left_ -= take;
    out = out.subspan(take);
  }
}

std::uint64_t SeededRandom::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

void SeededRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const std::uint64_t word = next();
    const std::size_t take = std::min(sizeof word, out.size());
    std::memcpy(out.data(), &word, take);
    out = out.subspan(take);
  }
}

}  // namespace faelled
