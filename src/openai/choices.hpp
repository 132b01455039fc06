// Choices of an answer in the form the client asked for, where that is not the engine's: the deprecated
// `function_call`, log probabilities, the number of one choice among several. Pure. Internal to src/openai.
#pragma once

#include <cstddef>
#include <string_view>

#include "json/value.hpp"
#include "json/writer.hpp"
#include "openai/answer_form.hpp"
#include "openai/fields.hpp"

namespace faelled::openai {

// Writes an array of choices. `said`: the member that holds a choice's words, "message" or "delta". `text_offset`:
// where the next token of a completion begins, in code points; goes on from chunk to chunk.
void append_choices(json::Writer& writer, json::Value choices, Endpoint endpoint, const AnswerForm& form,
                    std::string_view said, std::size_t& text_offset);

}  // namespace faelled::openai
