// ModelFolder: what vLLM is given instead of one file: config.json, weights in one or many .safetensors, a tokenizer.
// Looked through before the engine starts, because vLLM takes half a minute to say what is wrong, and to know how much
// memory it will want. Pure functions over bytes, and one over a folder.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/safetensors.hpp"
#include "json/document.hpp"

namespace faelled::engines {

// Of config.json. Where a model hears and sees too, of the part that speaks.
struct ModelShape {
  std::string architecture;          // "Qwen3ForCausalLM"
  std::string type;                  // "bfloat16", "float16", "float32", or empty: it does not say
  std::uint32_t context_tokens = 0;  // what the model was trained for; 0: it does not say
  std::uint32_t layers = 0;
  std::uint32_t kv_heads = 0;
  std::uint32_t head_values = 0;     // of one head
  std::uint32_t latent_values = 0;   // of one layer, where keys and values are compressed together (MLA); else 0
  std::uint64_t adapter_values = 0;  // of an adapter of rank 1 of all its matrices, at most; 0: it does not say
  bool quantized = false;            // its matrices have other shapes than they stand for
  bool operator==(const ModelShape&) const = default;
};

struct ModelFolder {
  ModelShape shape;
  std::uint64_t weight_bytes = 0;
  bool chat_template = false;
  std::vector<std::string> elsewhere;  // files that links in the folder lead to
  bool operator==(const ModelFolder&) const = default;
};

// Each of them is a tokenizer, and a model needs one.
inline constexpr std::array<std::string_view, 4> tokenizer_files = {"tokenizer.json", "tokenizer.model", "vocab.json",
                                                                    "tekken.json"};

Expected<ModelShape> read_model_shape(std::string_view config, const std::string& what, json::Document& document);

// A shard and the tensors that the index says are in it, both in order.
struct Shard {
  std::string file;
  std::vector<std::string> tensors;
  bool operator==(const Shard&) const = default;
};
// Of model.safetensors.index.json.
Expected<std::vector<Shard>> read_shards(std::string_view index, const std::string& what, json::Document& document);

// A file of weights, its header. Errors: not_found, io, invalid.
Expected<SafetensorsSummary> read_safetensors_file(const std::string& path, json::Document& document);
// All tensors of a model's folder, with their shapes.
Expected<SafetensorsSummary> read_tensors(const std::string& folder);

Expected<ModelFolder> read_model_folder(const std::string& path);

}  // namespace faelled::engines
