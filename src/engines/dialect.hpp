// Dialect: what differs between engines in the words we exchange with them. What every OpenAI-compatible server shares
// is in openai/. Pure; called by the gateway on the loop's thread.
//
// llama-server forgets a place's former member with "cache_prompt":false, which keeps nothing of what the slot holds
// and removes its KV cells and checkpoints before the first new token (tested on the real engine). That happens when
// the engine BEGINS the prompt: a request that it refuses first (too long, say) or that is cancelled in its queue
// erases nothing. So a place belongs to its new member only once an answer reported prompt tokens; until then the next
// grant must say place_changed_member again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engines/model_settings.hpp"
#include "json/document.hpp"
#include "openai/api_error.hpp"
#include "openai/fields.hpp"
#include "openai/request.hpp"
#include "rpc/messages.hpp"

namespace faelled::engines {

// Who asks, as far as an engine may know.
struct Asker {
  std::string_view salt;  // see MemberSalts
  rpc::Lane lane = rpc::Lane::interactive;
};

// Appends this engine's own members, each with a leading comma, to an open JSON object that already has a member
// (openai::Request::append_upstream_body leaves such a one).
// `stream`: the body already asks for a stream; where it does not, llama-server is asked for one all the same and the
// answer is put together by Gather, which says why. vLLM keeps what it has read of one member from the others by the
// salt, and lets batch wait behind interactive where its memory runs out.
void append_engine_members(std::string& body, const rpc::Grant& grant, openai::Endpoint endpoint, bool stream,
                           const Asker& asker);

// Whether append_engine_members sends the salt: it costs a hash.
inline bool takes_salt(std::string_view engine_kind) { return engine_kind == "vllm"; }

// Whether the answer to a request that asks for no stream comes as one.
bool always_streams(std::string_view engine_kind, openai::Endpoint endpoint);

// What is sent to this engine of a request, where engines differ: llama-server takes a tool_choice that names a tool
// for "auto" without a word, and gives log probabilities only with at least one alternative.
openai::Upstream upstream_of(const rpc::Grant& grant, const ModelSettings& model);

// What the engine would silently do otherwise than it was asked; empty: nothing.
std::optional<openai::ApiError> beyond(const rpc::Grant& grant, const ModelSettings& model,
                                       const openai::Request& request);

// Where behind an endpoint's path the engine counts the tokens of a prompt without reading it; empty: it does not.
const char* counting_path(std::string_view engine_kind, openai::Endpoint endpoint);

// An engine's answer with a status other than 2xx, in our words. Nothing of its text is passed on for engines of ours:
// they quote prompts, paths and library internals. `document` is scratch. `tools`: the request offered some, so that a
// schema the engine cannot follow is one of theirs.
openai::ApiError error_from(std::string_view engine_kind, openai::Endpoint endpoint, int status, std::string_view body,
                            json::Document& document, bool tools = false);

}  // namespace faelled::engines
