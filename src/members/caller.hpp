// Who asks, and why somebody may not. Values.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "store/rows.hpp"

namespace faelled::members {

struct Caller {
  std::string member;
  std::string caller;  // the user where there is one, else the key: the second level of fairness
  std::string key;     // empty: a browser session
  std::string user;    // empty: the key belongs to no user
  store::ShowWaiting show_waiting = store::ShowWaiting::off;  // as the key has it
  std::optional<std::chrono::seconds> wait = {};              // in line, as the agreement has it; absent: the server's
  bool operator==(const Caller&) const = default;
};

// For the log alone. Outward every denial says the same (Denial::message), so that nobody learns which secrets exist.
enum class DenialCause : std::uint8_t { unknown, expired, revoked, disabled };  // disabled: the user is

struct Denial : Error {  // code: unauthorized
  DenialCause cause = DenialCause::unknown;
  std::string key;  // id of the key or user it was about; empty: unknown
};

constexpr std::string_view name_of(DenialCause cause) {
  switch (cause) {
    case DenialCause::unknown:
      return "unknown";
    case DenialCause::expired:
      return "expired";
    case DenialCause::revoked:
      return "revoked";
    case DenialCause::disabled:
      return "disabled";
  }
  return "unknown";
}

using Authenticated = std::expected<Caller, Denial>;

}  // namespace faelled::members
