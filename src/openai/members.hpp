// The members of an engine's answer that clients may see. An allow-list: engines add members that tell what they have
// cached or how they are run (timings, prompt_progress, kv_transfer_params, __verbose), and will add more.
// Internal to src/openai.
#pragma once

#include <cstdint>
#include <string_view>

#include "json/value.hpp"
#include "json/writer.hpp"
#include "openai/answer_form.hpp"

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

// A plain member, but for those that are ours to say.
inline void append_plain(json::Writer& writer, std::string_view name, json::Value value, const AnswerForm& form) {
  if (name == "service_tier" && form.tier != ServiceTier::unsaid) return;
  writer.key(name);
  if (name == "id" && !form.id.empty()) {
    writer.text(form.id);
  } else {
    writer.raw(value.raw());
  }
}

inline void append_tier(json::Writer& writer, const AnswerForm& form) {
  if (form.tier != ServiceTier::unsaid)
    writer.member("service_tier", form.tier == ServiceTier::flex ? "flex" : "default");
}

}  // namespace faelled::openai
