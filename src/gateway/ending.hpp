// Ending: how an attempt at an answer ended, and what the mesh, the ledger and the client are told of it. Values; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gateway/context.hpp"
#include "openai/api_error.hpp"
#include "rpc/messages.hpp"

namespace faelled::gateway {

// What cuts an exchange short from outside.
// stopped: the key or the user. revoked: its place.
enum class Interrupt : std::uint8_t { gone, withdrawn, stopped, waited, total, silence, revoked };

struct Ending {
  rpc::Outcome outcome = rpc::Outcome::failed;
  std::string cause;
  std::optional<openai::ApiError> error;
  bool engine_fault = false;
  bool retry = false;  // nothing of this attempt reached anybody
  std::string whole;   // the answer, where it is not streamed
};

// What whoever `waited` is told depends on the line: the words are left to who knows it.
Ending ending_of(Interrupt why, const Settings& settings);
Ending ending_of(const rpc::Refusal& refusal, const std::string& model);

}  // namespace faelled::gateway
