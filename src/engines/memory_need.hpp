// MemoryNeed: how much memory a model will take, by its file and its settings, before anything starts. An upper bound
// for common architectures; what is read from the running engine corrects it upwards. Pure.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engines/gguf.hpp"
#include "engines/model_settings.hpp"

namespace faelled::engines {

struct MemoryNeed {
  std::uint64_t weights = 0;
  std::uint64_t kv_cache = 0;
  std::uint64_t working = 0;  // buffers of one step, the vocabulary, the process itself, what reading a header takes
  std::uint64_t total() const { return weights + kv_cache + working; }
  bool operator==(const MemoryNeed&) const = default;
};

// A file may say anything: what is too large to count is too large to fit. At most 2^60.
std::uint64_t product(std::initializer_list<std::uint64_t> factors);

// Of a llama-server as llama_server_command() starts it: keys and values in 16 bits for each place's whole context.
Expected<MemoryNeed> memory_need(const ModelSettings& model, const GgufSummary& file);

// What a llama-server takes for a while to read such a file's header, before it has anything of the model: at most, in
// bytes, beyond the process itself.
std::uint64_t reading_bytes(const GgufSummary& file);

// From asking for it to its first answer, before it was ever measured: at a gigabyte a second, and a second to begin.
Duration load_guess(const MemoryNeed& need);

}  // namespace faelled::engines
