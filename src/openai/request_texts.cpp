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
  if (value.kind() == Kind::array && !value.is_empty()) {
    const Kind first = (*value.items().begin()).kind();
    if (first == Kind::text || first == Kind::array) return read_prompts(field, value);
  }
  if (!read_one_prompt(value)) return false;
  pass(field, value);
  return true;
}

bool RequestParser::read_prompts(const Field& field, Value array) {
  if (array.count() > limits::choices_max) {
    return refuse(Cause::invalid_value, "prompt",
                  "'prompt' takes at most " + std::to_string(limits::choices_max) + " prompts.");
  }
  const Kind kind = (*array.items().begin()).kind();
  for (const Value prompt : array.items()) {
    if (prompt.kind() != kind) return wrong_kind("prompt", "of texts alone or of token arrays alone", prompt);
    if (!read_one_prompt(prompt)) return false;
    request_.prompts_.push_back(slice_of(prompt));
  }
  pass(field, *array.items().begin());
  if (request_.prompts_.size() == 1) request_.prompts_.clear();
  return true;
}

bool RequestParser::read_one_prompt(Value value) {
  if (value.kind() == Kind::array) {
    if (value.is_empty()) return refuse(Cause::invalid_value, "prompt", "'prompt' must not be empty.");
    if (!read_tokens("prompt", value)) return false;
  } else if (value.kind() == Kind::text) {
    count_text(value);
  } else {
    return wrong_kind("prompt", "a string, an array of tokens, or an array of either", value);
  }
  subject_given_ = true;
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
