// LlamaServer: the exact command line and environment for one llama-server (llama.cpp 0.5.0). Pure: it starts nothing.
//
// What the flags are for, tried on the real engine in node/llama_server_real_test.cpp:
//   --cache-ram 0, --no-cache-idle-slots, --slot-prompt-similarity 0, --cache-reuse 0, --no-kv-unified
//                        a place keeps its own member's words, no other place sees them
//   --ctx-size N×places  is the total; each place gets its share of it
//   -fit off             loads once, with what was asked for, not with what a probe run liked
//   --lora …, --lora-init-without-apply
//                        adapters; they apply all the same to a request that does not say which (engines/dialect.hpp)
//   --chat-template-file --chat-template NAME would be taken as the template's text and drop the user's
//   --offline, no --tools, --agent, --mcp…, and an environment built from nothing
//                        every flag has a LLAMA_ARG_… variable, and LLAMA_SERVER_SLOTS_DEBUG logs prompts
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/command.hpp"
#include "engines/gguf.hpp"
#include "engines/model_settings.hpp"

namespace faelled::engines {

// What each place is promised: the operator's number, or the model's own up to limits::context_tokens_default.
// Fails if the operator promises more than the model was made for, because the engine would silently give less.
Expected<std::uint32_t> context_tokens_per_place(const ModelSettings&, const GgufSummary&);

// What its engine is begun with for each place: as much in whole steps of llama.cpp, which would round it down.
std::uint64_t context_share(const GgufSummary&, std::uint32_t context_tokens);

// `socket_path` must end in ".sock" and be new: the engine does not start on an old one.
// `inherited` is our own environment, of which only what a GPU needs is passed on.
Expected<Command> llama_server_command(const ModelSettings&, const GgufSummary&, const std::string& socket_path,
                                       const std::vector<std::string>& inherited = {});

// Of its answer to /props: whether the chat template both describes tools and has words for calls of them. Empty where
// it does not say.
std::optional<bool> template_knows_tools(std::string_view props);

}  // namespace faelled::engines
