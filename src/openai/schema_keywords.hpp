// The keywords of JSON Schema that engines look at, and what each costs them. Internal to src/openai.
#pragma once

#include <cstdint>
#include <string_view>

namespace faelled::openai {

enum class Keyword : std::uint8_t {
  annotation,  // says nothing about what is valid
  type,
  reference,
  pattern,
  count,
  bound,
  values,     // enum
  schema,     // one, or true or false
  schemas,    // an array of them
  named,      // an object of them
  items,      // one, or an array of them
  structure,  // required, const, format: no cost of their own
};

struct SchemaKeyword {
  std::string_view name;
  Keyword keyword;
  bool in_grammar;  // llama-server 0.5.0 holds an answer to it
};

const SchemaKeyword* find_schema_keyword(std::string_view name);  // nullptr: no engine looks at it

}  // namespace faelled::openai
