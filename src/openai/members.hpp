// The members of an engine's answer that clients may see. An allow-list: engines add members that tell what they have
// cached or how they are run (timings, prompt_progress, kv_transfer_params, __verbose), and will add more.
// Internal to src/openai.
#pragma once

#include <cstdint>
#include <string_view>

namespace faelled::openai {

enum class AnswerMember : std::uint8_t { plain, model, choices, data, usage, error, foreign };

inline AnswerMember answer_member(std::string_view name) {
  if (name == "choices") return AnswerMember::choices;
  if (name == "model") return AnswerMember::model;
  if (name == "usage") return AnswerMember::usage;
  if (name == "data") return AnswerMember::data;
  if (name == "error") return AnswerMember::error;
  if (name == "id" || name == "object" || name == "created" || name == "system_fingerprint" || name == "service_tier") {
    return AnswerMember::plain;
  }
  return AnswerMember::foreign;
}

}  // namespace faelled::openai
