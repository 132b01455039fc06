// Slice: a part of a request's body, as offsets, so that the request can move. A value.
#pragma once

#include <cstdint>

namespace faelled::openai {

struct Slice {
  std::uint32_t begin = 0;
  std::uint32_t bytes = 0;
};

}  // namespace faelled::openai
