// One request as the ledger knows it: who asked which model, what it cost, how it ended. Holds no prompt and no answer.
// A value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace faelled::ledger {

// Numbers are written to disk: never reorder.
enum class Outcome : std::uint8_t { done = 0, refused = 1, cancelled = 2, failed = 3 };

struct UsageRow {
  std::string request_id;  // the x-request-id that the client saw; the row's identity
  std::string member;
  std::string caller;  // user id, or key id where the key belongs to no user
  std::string key;     // empty: a browser session
  std::string user;    // empty: the key belongs to no user
  std::string model;
  WallTime started_at;
  std::uint32_t input_tokens = 0;
  std::uint32_t cached_tokens = 0;
  std::uint32_t output_tokens = 0;
  std::int64_t queue_us = 0;
  std::int64_t load_us = 0;
  std::int64_t engine_us = 0;
  std::int64_t total_us = 0;
  Outcome outcome = Outcome::failed;
  std::string cause;  // plain words, short (limits::usage_cause_bytes_max), empty when done
  bool operator==(const UsageRow&) const = default;
};

constexpr std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::done:
      return "done";
    case Outcome::refused:
      return "refused";
    case Outcome::cancelled:
      return "cancelled";
    case Outcome::failed:
      return "failed";
  }
  return "failed";
}

// The cause of requests that an earlier run of the server left open.
inline constexpr std::string_view cause_server_stopped = "server stopped";

}  // namespace faelled::ledger
