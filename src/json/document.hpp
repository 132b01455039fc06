// Document: the only door through which JSON comes in. Proves a whole text valid, once, before anybody looks at it:
// grammar, UTF-8, no lone surrogate, numbers that fit, nothing behind the end, depth within limits::json_depth_max, and
// no object ANYWHERE with two members of the same unescaped name (we and the engine might read different ones).
//
// Keeps its buffers between texts, so one per event loop is made at start and reused. One thread at a time.
// simdjson lives behind it; docs/decisions/0005-json-edge.md says why and how.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "json/value.hpp"

namespace faelled::json {

class Document {
 public:
  Document();
  ~Document();
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  // The root; it and all values below it are valid until the next parse() and as long as `text` lives.
  // Errc::invalid with what is wrong (no content of the text in it), Errc::too_large over 4 GiB.
  Expected<Value> parse(std::string_view text);

  // After a refusal: the name that two members of one object have; empty: it was refused for something else.
  const std::string& name_that_stands_twice() const;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace faelled::json
