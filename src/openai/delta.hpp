// What of a streamed answer's deltas counts as a token, for whoever books what was seen of it. Pure.
#pragma once

#include "json/value.hpp"

namespace faelled::openai {

// A member of a delta: the role alone is no token; whatever else is said is one.
inline bool is_token(json::Value name, json::Value said) {
  return !name.text_is("role") && !said.is_null() && !said.is_empty();
}
// A completion's text.
inline bool is_token(json::Value text) { return text.kind() == json::Kind::text && !text.is_empty(); }

}  // namespace faelled::openai
