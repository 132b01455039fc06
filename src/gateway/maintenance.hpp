// Maintenance: whether new requests are let in. Operators turn it on and off through the control API, which also keeps
// it over a restart (portal/bulletin.hpp); what runs already is finished. Part of the gateway's context; loop's thread.
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"

namespace faelled::gateway {

struct Maintenance {
  bool on = false;
  std::string message = {};            // what people are told, in English
  std::string message_da = {};         // and in Danish
  std::optional<WallTime> until = {};  // when operators expect it to be over
  bool operator==(const Maintenance&) const = default;
};

}  // namespace faelled::gateway
