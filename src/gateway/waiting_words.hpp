// WaitingWords: a place in line as words of the answer's reasoning, for clients that show reasoning and take no notice
// of comments (Open WebUI). A setting of the key; only before the first token, only in a stream, never in the answer
// itself, and never counted. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rpc/messages.hpp"
#include "store/rows.hpp"

namespace faelled::gateway {

// `language` is not off. One line with its line feed: "Waiting in line: number 3.\n". The estimate is rounded, so that
// it seldom changes.
std::string waiting_words(store::ShowWaiting language, const rpc::Waiting& waiting);

// One chat.completion.chunk with the words as reasoning_content. It has no role: the first chunk of the engine says it,
// and SDKs that add deltas up would put two together.
std::string waiting_chunk(std::string_view words, std::string_view request_id, std::string_view model,
                          std::int64_t created_s);

}  // namespace faelled::gateway
