// Tool: one function that the model may call, as slices of the request's body. A value.
#pragma once

#include <cstdint>
#include <optional>

#include "openai/slice.hpp"

namespace faelled::openai {

struct Tool {
  Slice name;         // a JSON string
  Slice description;  // a JSON string; no bytes: none
  Slice parameters;   // a JSON schema; no bytes: none
  std::optional<bool> strict;
  bool chosen = false;  // named in tool_choice
};

enum class ToolChoice : std::uint8_t {
  unsaid,  // the engine's default: automatic where there are tools
  none,
  automatic,
  required,
  named,  // the one tool that is `chosen`
};

}  // namespace faelled::openai
