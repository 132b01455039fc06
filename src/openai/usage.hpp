// Usage: what an engine says it has counted. The ledger's figures come from here.
#pragma once

#include <algorithm>
#include <cstdint>

#include "json/value.hpp"
#include "json/writer.hpp"

namespace faelled::openai {

struct Usage {
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_tokens = 0;  // of the prompt tokens
  std::uint32_t output_tokens = 0;
  bool known = false;  // false: the engine has not said yet
  bool operator==(const Usage&) const = default;

  // The sum is known where both are; it stops at the most that can be said.
  Usage& operator+=(const Usage& other) {
    const auto add = [](std::uint32_t& to, std::uint32_t more) { to += std::min(more, UINT32_MAX - to); };
    add(prompt_tokens, other.prompt_tokens);
    add(cached_tokens, other.cached_tokens);
    add(output_tokens, other.output_tokens);
    known = known && other.known;
    return *this;
  }
};

// Reads an OpenAI usage object; `known` stays false where it is none. Cached tokens never exceed the prompt's.
Usage read_usage(json::Value value);

// Writes the member "usage" in OpenAI's form.
void append_usage(json::Writer& writer, const Usage& usage);

}  // namespace faelled::openai
