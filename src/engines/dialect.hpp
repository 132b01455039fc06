// Dialect: what differs between engines in the words we exchange with them. What every OpenAI-compatible server shares
// is in openai/. Pure; called by the gateway on the loop's thread.
//
// llama-server forgets a place's former member with "cache_prompt":false, which keeps nothing of what the slot holds
// and removes its KV cells and checkpoints before the first new token (tested on the real engine). That happens when
// the engine BEGINS the prompt: a request that it refuses first (too long, say) or that is cancelled in its queue
// erases nothing. So a place belongs to its new member only once an answer reported prompt tokens; until then the next
// grant must say place_changed_member again.
#pragma once

#include <string>
#include <string_view>

#include "json/document.hpp"
#include "openai/api_error.hpp"
#include "openai/fields.hpp"
#include "rpc/messages.hpp"

namespace faelled::engines {

// Appends this engine's own members, each with a leading comma, to an open JSON object that already has a member
// (openai::Request::append_upstream_body leaves such a one).
// `stream`: the body already asks for a stream; where it does not, llama-server is asked for one all the same and the
// answer is put together by Gather, which says why.
void append_engine_members(std::string& body, const rpc::Grant& grant, openai::Endpoint endpoint, bool stream);

// Whether the answer to a request that asks for no stream comes as one.
bool always_streams(std::string_view engine_kind, openai::Endpoint endpoint);

// An engine's answer with a status other than 2xx, in our words. Nothing of its text is passed on for llama-server:
// it quotes prompts, paths and library internals. `document` is scratch.
openai::ApiError error_from(std::string_view engine_kind, openai::Endpoint endpoint, int status, std::string_view body,
                            json::Document& document);

}  // namespace faelled::engines
