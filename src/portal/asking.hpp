// Asking: what one question on the page makes of a conversation: which messages are new, and what the model is asked.
// Pure; turns_api.cpp does it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "json/fields.hpp"
#include "openai/api_error.hpp"
#include "store/conversations.hpp"

namespace faelled::portal {

struct Asking {
  std::string content;               // the question
  std::optional<std::string> model;  // nullopt: the conversation's
  std::optional<std::string> after;  // the message it comes after; empty: it begins another branch; nullopt: the leaf
  std::string again;                 // answer that is to be written a second time, beside the first
  std::string further;               // answer that is to go on where it stopped
  std::string summary_of;            // conversation that the answer shall sum up

  static std::expected<Asking, openai::ApiError> read(json::Fields& fields);
};

struct Asked {
  std::optional<store::Message> question;  // new
  store::Message answer;                   // new, or the one that goes on
  std::vector<store::Message> prompt;      // what the model reads
  bool sums_up = false;                    // that is another conversation, and says nothing of how full this one is
};

// `fresh`: an answer with id, request and time, and the question likewise. `earlier`: the branch to be summed up.
// Errors: not_found (no such message), invalid (nothing to answer again or to go on with).
Expected<Asked> asked(const Asking& asking, const std::string& leaf, const std::vector<store::Message>& all,
                      const std::vector<store::Message>& earlier, std::uint32_t context_tokens, store::Message question,
                      store::Message answer);

// The same where the browser sends the whole branch. `messages`: [{"role", "content", …}]; the last one is a question,
// or the answer that goes on.
std::expected<std::vector<store::Message>, openai::ApiError> loose_prompt(json::Value messages);
std::vector<store::Message> loose_asked(std::vector<store::Message> branch, bool further, bool sums_up,
                                        std::uint32_t context_tokens);

// How many tokens the answer may have, 0: the prompt leaves no room for one. `context_tokens` 0: not known.
std::uint32_t answer_tokens(const std::vector<store::Message>& prompt, const std::string& model,
                            std::uint32_t context_tokens);

// The body for the gateway.
std::string chat_body(const std::string& model, const std::vector<store::Message>& prompt, std::uint32_t tokens_max);

}  // namespace faelled::portal
