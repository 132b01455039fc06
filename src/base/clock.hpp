// Time as an argument. Only apps/ and tests make a Clock; pure code takes Instant and WallTime by value.
#pragma once

#include <chrono>

namespace faelled {

using namespace std::chrono_literals;

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;  // monotonic: waits, rates, deadlines
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;             // what people and the ledger read

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual WallTime wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  Instant now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
};

// A clock the test owns and advances.
class ManualClock final : public Clock {
 public:
  Instant now() const override { return now_; }
  WallTime wall() const override { return wall_; }
  void advance(Duration by) {
    now_ += by;
    wall_ += std::chrono::duration_cast<std::chrono::microseconds>(by);
  }

 private:
  Instant now_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
};

inline std::int64_t to_micros(Duration d) { return std::chrono::duration_cast<std::chrono::microseconds>(d).count(); }
inline std::int64_t to_millis(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }
inline std::int64_t unix_micros(WallTime t) { return t.time_since_epoch().count(); }
inline std::int64_t unix_seconds(WallTime t) { return t.time_since_epoch().count() / 1'000'000; }
inline WallTime from_unix_micros(std::int64_t us) { return WallTime{std::chrono::microseconds{us}}; }

}  // namespace faelled
