// A conversation is a tree: an edited question and an answer asked for again are siblings of what was there, and one
// way through it, the branch, is what is read and what the model is asked with. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "store/conversations.hpp"

namespace faelled::portal {

// `all` in order of adding. The messages from the first to `leaf`; `leaf` empty or not there: to the newest.
std::vector<store::Message> branch_to(const std::vector<store::Message>& all, std::string_view leaf);

// The message with that id, nullptr: not there.
const store::Message* message_of(const std::vector<store::Message>& all, std::string_view id);

// The newest messages of a branch that hold at most `tokens_max` by estimate, beginning with a question.
std::vector<store::Message> last_of(const std::vector<store::Message>& branch, std::uint32_t tokens_max);

// An answer that says it is being written becomes failed where nobody can be writing it any more, since it was asked
// for longer ago than an answer takes; gives whether it did. A server that is lost for good cannot say so of its own.
bool end_if_lost(store::Message& message, WallTime asked_at, WallTime now, Duration longest);

// How much of a model's memory a branch takes. What the engine counted at the last answer is exact; what came after it,
// or all of it where nothing was counted, is an estimate of two tokens in seven bytes.
std::uint32_t tokens_in(const std::vector<store::Message>& branch, std::string_view model);
std::uint32_t tokens_estimate(std::string_view text);

}  // namespace faelled::portal
