// The prompt of a completion and the input of an embedding: texts or token numbers.
#include "base/limits.hpp"
#include "openai/request_parser.hpp"

namespace faelled::openai {

using json::Kind;
using json::Value;

bool RequestParser::read_tokens(std::string_view param, Value array) {
  constexpr std::int64_t token_max = 2147483647;
  for (const Value token : array.items()) {
    const auto number = token.integer();
    if (!number || *number < 0 || *number > token_max) {
      return refuse(Cause::invalid_value, std::string(param),
                    "'" + std::string(param) + "' must hold strings alone or token numbers alone.");
    }
    ++tokens_;
  }
  return true;
}

bool RequestParser::read_prompt(const Field& field, Value value) {
  constexpr const char* kinds = "a string, an array of one string or an array of tokens";
  if (value.kind() == Kind::array) {
    if (value.is_empty()) return refuse(Cause::invalid_value, "prompt", "'prompt' must not be empty.");
    const Value first = *value.items().begin();
    if (first.kind() == Kind::text || first.kind() == Kind::array) {
      if (value.count() > 1) {
        return refuse(Cause::unsupported_value, "prompt", "More than one prompt per request is not supported yet.");
      }
      value = first;
    }
  }
  if (value.kind() == Kind::array) {
    if (value.is_empty()) return refuse(Cause::invalid_value, "prompt", "'prompt' must not be empty.");
    if (!read_tokens("prompt", value)) return false;
  } else if (value.kind() == Kind::text) {
    count_text(value);
  } else {
    return wrong_kind("prompt", kinds, value);
  }
  subject_given_ = true;
  pass(field, value);
  return true;
}

bool RequestParser::read_input(const Field& field, Value value) {
  const auto empty = [&] {
    return refuse(Cause::invalid_value, "input", "'input' must not be empty, nor hold an empty text.");
  };
  if (value.kind() == Kind::text) {
    if (value.is_empty()) return empty();
    count_text(value);
  } else if (value.kind() != Kind::array) {
    return wrong_kind("input", "a string or an array of strings or tokens", value);
  } else {
    if (value.is_empty()) return empty();
    const Kind kind = (*value.items().begin()).kind();
    if (kind != Kind::text && kind != Kind::array) {
      if (!read_tokens("input", value)) return false;
    } else {
      std::uint32_t inputs = 0;
      for (const Value item : value.items()) {
        if (++inputs > limits::embedding_inputs_max) {
          return refuse(Cause::invalid_value, "input",
                        "'input' takes at most " + std::to_string(limits::embedding_inputs_max) + " texts.");
        }
        if (item.kind() != kind) return wrong_kind("input", "of texts alone or of token arrays alone", item);
        if (item.is_empty()) return empty();
        if (kind == Kind::text)
          count_text(item);
        else if (!read_tokens("input", item))
          return false;
      }
      request_.inputs = inputs;
    }
  }
  subject_given_ = true;
  pass(field, value);
  return true;
}

}  // namespace faelled::openai
