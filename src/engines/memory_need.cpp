#include "engines/memory_need.hpp"

#include <algorithm>

#include "engines/llama_server.hpp"

namespace faelled::engines {
namespace {

constexpr std::uint64_t kv_value_bytes = 2;
constexpr std::uint64_t step_tokens = 256;           // --ubatch-size
constexpr std::uint64_t process_bytes = 48'000'000;  // of llama-server without a model, measured at 0.5.0: 30 to 45 MB
constexpr std::uint64_t vocabulary_entry_bytes = 160;    // text, score and both maps of the tokenizer
constexpr std::uint64_t activations_per_embedding = 32;  // of 4 bytes, per token of a step: measured at most 24
// What llama-server makes of a header, measured at 0.5.0 with lists and texts of several kinds added to a model:
// while it reads, 60 bytes (a number) to 115 (a short text) for each value of a list, 8 for each byte of text; from
// there on as a text or a list of them, at most 3 for each byte in the file.
constexpr std::uint64_t reading_value_bytes = 128;
constexpr std::uint64_t reading_per_byte = 8;
constexpr std::uint64_t kept_per_byte = 4;
constexpr std::uint64_t tensor_bytes = 1024;  // name, shape and where it lies, in three tables

}  // namespace

std::uint64_t product(std::initializer_list<std::uint64_t> factors) {
  constexpr std::uint64_t most = 1ULL << 60U;
  std::uint64_t all = 1;
  for (const std::uint64_t factor : factors)
    if (__builtin_mul_overflow(all, factor, &all) || all > most) return most;
  return all;
}

std::uint64_t reading_bytes(const GgufSummary& file) {
  return product({file.values, reading_value_bytes}) + product({file.header_bytes, reading_per_byte}) +
         product({file.tensors, tensor_bytes});
}

Expected<MemoryNeed> memory_need(const ModelSettings& model, const GgufSummary& file) {
  const auto context = context_tokens_per_place(model, file);
  if (!context) return std::unexpected(context.error());
  const std::uint64_t head = file.heads == 0 ? 0 : file.embedding / file.heads;
  const std::uint64_t keys = file.key_length != 0 ? file.key_length : head;
  const std::uint64_t values = file.value_length != 0 ? file.value_length : head;
  const std::uint64_t kv_heads = file.kv_heads != 0 ? file.kv_heads : product({file.heads, file.layers});
  const std::uint64_t share = context_share(file, *context), tokens = share * model.places;
  MemoryNeed need;
  need.weights = file.weight_bytes;
  need.kv_cache = product({tokens, kv_heads, keys + values, kv_value_bytes});
  const bool pooled = model.embeddings || model.rerank;
  // Scores of all words are made for one token of each place, whatever buffer is laid out for them.
  const std::uint64_t scores = pooled ? 0 : model.places * sizeof(float);
  need.working = process_bytes + product({file.vocabulary, vocabulary_entry_bytes + scores}) +
                 product({pooled ? share : step_tokens, file.embedding, activations_per_embedding, sizeof(float)}) +
                 product({file.header_bytes, kept_per_byte}) + product({file.tensors, tensor_bytes});
  // The header is read before the rest is there, and let go of again.
  const std::uint64_t reading = process_bytes + reading_bytes(file);
  need.working += reading - std::min(reading, need.total());
  return need;
}

Duration load_guess(const MemoryNeed& need) {
  constexpr std::uint64_t bytes_per_ms = 1'000'000;
  return std::chrono::seconds(1) + std::chrono::milliseconds(need.total() / bytes_per_ms);
}

}  // namespace faelled::engines
