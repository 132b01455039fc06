// Log probabilities as OpenAI's clients read them. Engines say more than was asked for (llama-server always at least
// one alternative, and token numbers), and say completions' in the form of chats. Pure. Internal to src/openai.
#pragma once

#include <cstddef>
#include <cstdint>

#include "json/value.hpp"
#include "json/writer.hpp"

namespace faelled::openai {

// {"content":[{"token","logprob","bytes","top_logprobs":[…at most `most`]}],"refusal":null}
void append_chat_logprobs(json::Writer& writer, json::Value logprobs, std::uint32_t most);

// {"tokens","token_logprobs","top_logprobs","text_offset"}; what already is in that form passes as it came.
void append_completion_logprobs(json::Writer& writer, json::Value logprobs, std::uint32_t most,
                                std::size_t& text_offset);

}  // namespace faelled::openai
