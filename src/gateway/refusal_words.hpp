// Refusals in plain words, in English and Danish: what is in the way, how that member stands, and when to try again.
// Pure.
#pragma once

#include <optional>
#include <string>

#include "base/limits.hpp"
#include "openai/api_error.hpp"
#include "rpc/views.hpp"

namespace faelled::gateway {

// A ticket that the mesh did not take, or let go.
openai::ApiError refusal_error(const rpc::Refusal& refusal, const std::string& model);

// The wait in line has ended. `status`: as it was then; nothing: the mesh does not know it any more. `otherwise`: when
// to try again if nobody can tell how fast the line moves.
openai::ApiError waited_too_long(const std::optional<rpc::TicketStatus>& status, const std::string& model,
                                 Duration otherwise = limits::queue_full_retry_after);

// What holds a waiting ticket back, as one sentence without a full stop.
struct Words {
  std::string en;
  std::string da;
};
Words words_of(const rpc::TicketStatus& status);

}  // namespace faelled::gateway
