// Which request fields reach an engine. The allow-list is this one table; docs/fields.md prints it and a test compares.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace faelled::openai {

enum class Endpoint : std::uint8_t { chat, completions, embeddings };

const char* path_of(Endpoint endpoint);  // "/v1/chat/completions"

enum class Fate : std::uint8_t {
  passed,   // checked, then spliced into the engine's body
  ours,     // read by the gateway; the engine gets our own value or none
  ignored,  // harmless: dropped. So is every field that the table does not name
  refused,  // would change the answer's meaning: 400 unless it holds the value that means "not used"
  never,    // steers an engine: dropped, whatever it holds
};

enum class FieldName : std::uint8_t;  // fields.cpp's own numbering, for the parser's switch

struct Field {
  std::string_view name;
  FieldName number;
  Fate chat, completions, embeddings;
  std::string_view note;  // what is accepted, in a few words
  Fate fate(Endpoint endpoint) const {
    return endpoint == Endpoint::chat ? chat : endpoint == Endpoint::completions ? completions : embeddings;
  }
};

std::span<const Field> all_fields();
const Field* find_field(std::string_view name);  // nullptr: not in the table

}  // namespace faelled::openai
