// Random: where unpredictability comes from. SystemRandom for ids and secrets, SeededRandom for simulation and tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace faelled {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;
  std::uint64_t u64();
};

// getrandom(2) behind a 4 KiB buffer, so an id costs no system call. Not for use from two threads at once.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override;

 private:
  static constexpr std::size_t buffer_bytes_max = 4096;
  std::byte buffer_[buffer_bytes_max];
  std::size_t left_ = 0;
};

// splitmix64 (Steele, Lea, Flood 2014): the same seed gives the same history on every machine. Never for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::byte> out) override;
  std::uint64_t next();
  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace faelled
