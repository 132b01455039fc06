// AnswerForm: how the client wants to see an answer, apart from what it asks of the engine. Read from the request,
// heeded by rewrite_answer() and StreamRewriter. A value; with every member at its default an ordinary chunk passes as
// it came.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace faelled::openai {

enum class ServiceTier : std::uint8_t { unsaid, standard, flex };

struct AnswerForm {
  bool include_usage = false;             // streams: the usage chunk
  bool old_functions = false;             // asked with `functions`: a call comes back as `function_call`
  bool must_call_a_tool = false;          // an answer that stops without one is broken
  std::optional<std::uint32_t> logprobs;  // how many alternatives beside each token's own
  ServiceTier tier = ServiceTier::unsaid;
  std::uint32_t dimensions = 0;  // embeddings: cut to so many; 0: whole
  std::uint32_t top_n = 0;       // rerank: the best so many; 0: all
  bool return_documents = false;

  // Of one of several choices that are answered apart (gateway/choices.hpp).
  std::optional<std::uint32_t> index;
  std::string id;  // theirs in common

  // Whether no choice passes as it came.
  bool rewrites_choices() const { return old_functions || logprobs || index; }
  bool rewrites_all() const { return rewrites_choices() || tier != ServiceTier::unsaid; }
};

}  // namespace faelled::openai
