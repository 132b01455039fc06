// VllmServer: the exact command line and environment for one `vllm serve` (vLLM 0.32), and how much memory it wants.
// Pure: it starts nothing.
//
// What the flags are for, tried on the real engine in tests/e2e/vllm_test.py:
//   --uds                     a unix socket, because an --api-key leaves /invocations, /sleep and /metrics open
//   --kv-cache-memory-bytes   room for what was promised and no more; otherwise it takes nine tenths of the memory
//   --gpu-memory-utilization  what of a GPU must be free when it starts; it does not start beside others at its default
//   --max-num-seqs N+1        one place beside the promised ones, for our own question whether it still works
//   --scheduling-policy priority, --enable-prompt-tokens-details
//                             batch after interactive; cached tokens in the ledger
//   an environment built from nothing: no plugins, no hub, no telemetry, no folder but its own
//   --enable-sleep-mode       where there is a memory to leave its weights in. Its calls come with others that may do
//                             anything (VLLM_SERVER_DEV_MODE): behind the socket, which is ours alone
//   --enable-lora             only where a model has adapters or may get some; with VLLM_ALLOW_RUNTIME_LORA_UPDATING,
//   because
//                             they are taken and dropped by calls while it runs: see vllm_takes_adapter()
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/command.hpp"
#include "engines/memory_need.hpp"
#include "engines/model_folder.hpp"
#include "engines/model_settings.hpp"

namespace faelled::engines {

// What each place is promised: the operator's number, or the model's own up to limits::context_tokens_default.
// Fails if the operator promises more than the model was made for.
Expected<std::uint32_t> context_tokens_per_place(const ModelSettings&, const ModelShape&);

// Of keys and values, for all places and our own question. At least what the engine will take: layers that look at a
// few tokens only are counted as the others.
std::uint64_t kv_cache_bytes(const ModelShape&, std::uint32_t context_tokens, std::uint32_t places);

// The same for weights, and what the engine takes for itself.
Expected<MemoryNeed> memory_need(const ModelSettings&, const ModelFolder&);

// Of its device while it sleeps: the CUDA context, graphs and what torch keeps. Published: 1 to 2 GB; readings correct
// it.
inline constexpr std::uint64_t vllm_asleep_bytes = 3ULL << 29U;

struct VllmPlace {
  std::string folder;  // its own: it writes there and nowhere else
  std::string socket;  // in that folder, new
  bool processor_build = false;
  std::uint64_t gpu_bytes = 0;  // of the GPU that it gets, models of others too; 0: it gets none
  bool sleeps = false;          // never where it is a processor's build
  // What it compiles for a GPU is kept there and found again by the next process of the same model: a start without it
  // takes some 20 s more. Empty: it is made anew in `folder`.
  std::string compiled;
};

// `inherited` is our own environment, of which only what a GPU needs is passed on.
Expected<Command> vllm_server_command(const ModelSettings&, const ModelFolder&, const VllmPlace&,
                                      const std::vector<std::string>& inherited = {});

// Python that each of its processes runs first. It ends with the one that made it, because vLLM's children stay behind
// when their parent is killed (seen on 0.32.0). And where it may not read its own folder in /proc, which is open to the
// first process alone, it reads that one's: what they look for there, processors and memory, is the same. On processors
// it keeps adapters from requests that ask for none (0.32.0 lets the last one change them, where both run at once) and
// asks the kernel for AMX, which 0.32.0 uses without. One that can sleep gives the host's memory back when it wakes.
std::string_view vllm_sitecustomize();

// Bodies of its calls to take and to drop an adapter. `name`: what it is asked for by from then on, never used before
// in this process: its prefix cache knows adapters by name and path, not by what they hold.
std::string vllm_takes_adapter(const std::string& name, const std::string& path);
std::string vllm_drops_adapter(const std::string& name);

// A request that passes through the loop that makes tokens: one token of an answer, before all others.
std::string vllm_question(const ModelSettings&);

// Whether the process can forget the model's weights and read them again (vLLM's sleep at level 2). Not with adapters:
// reading breaks off at their layers (0.26.0, vllm#39934) or drops what the process had of them.
bool vllm_forgets(const ModelSettings&);

// The same request each time, whose answer tells one set of weights from another: the likeliest tokens, a few. No
// likelihoods: what reckons them vLLM compiles when it is first asked for them.
std::string vllm_sample_question(const ModelSettings&);
// The tokens of the answer to it, as it wrote them; empty: it is no such answer.
std::string vllm_sample(std::string_view answer);

// What an answer of /is_sleeping says; none: it is not one.
std::optional<bool> vllm_sleeps(std::string_view answer);

}  // namespace faelled::engines
