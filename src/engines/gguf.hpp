// GGUF: enough of a model file's header to refuse a wrong, truncated or foreign file before an engine starts on it, and
// to know how much context the model was made for. Reads no weights. A pure function over bytes, and one over a file.
// Format: github.com/ggml-org/ggml, docs/gguf.md, versions 2 and 3, little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace faelled::engines {

struct GgufSummary {
  std::uint32_t version = 0;
  std::string architecture;  // "gemma3", "llama", …
  std::string name;          // may be empty
  std::uint64_t tensors = 0;
  std::uint64_t pairs = 0;
  std::uint32_t context_tokens = 0;  // what the model was trained for; 0: the file does not say
  bool chat_template = false;
  bool pooling = false;  // the file says how to pool: an embedding model
  // Of what it holds in memory; 0 where the file does not say.
  std::uint64_t weight_bytes = 0;  // all tensors
  std::uint32_t layers = 0;
  std::uint32_t embedding = 0;  // values per token
  std::uint32_t heads = 0;
  std::uint64_t kv_heads = 0;    // summed over all layers
  std::uint32_t key_length = 0;  // values per head
  std::uint32_t value_length = 0;
  std::uint64_t vocabulary = 0;  // tokens
  // Of its header, which an engine reads whole before anything else.
  std::uint64_t header_bytes = 0;
  std::uint64_t values = 0;  // of all its lists together
  bool operator==(const GgufSummary&) const = default;
};

struct GgufTensor {
  std::string name;
  std::vector<std::uint64_t> sizes;  // of its dimensions, the innermost first
  auto operator<=>(const GgufTensor&) const = default;
};

// What is only asked for where adapters are concerned.
struct GgufDetails {
  std::string type;              // "model", "adapter"; empty: it does not say
  std::string adapter_type;      // "lora"
  bool strange_adapter = false;  // it has keys of an adapter that llama.cpp ends itself at, or that change what it is
  std::vector<GgufTensor> tensors;
};

// Where bytes come from; `read` fills as much of `out` as there is from `offset` on and says how much that was.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  virtual std::size_t read(std::uint64_t offset, std::span<std::byte> out) = 0;
};

// `what` names the file in messages. Any bytes are safe: work and memory are bounded by limits::gguf_*. A file that
// says it is an adapter is refused where no details are asked for.
Expected<GgufSummary> read_gguf(ByteSource& source, const std::string& what, GgufDetails* details = nullptr);
Expected<GgufSummary> read_gguf(std::span<const std::byte> bytes, const std::string& what,
                                GgufDetails* details = nullptr);
Expected<GgufSummary> read_gguf_file(const std::string& path, GgufDetails* details = nullptr);

}  // namespace faelled::engines
