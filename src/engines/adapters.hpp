// Adapters: whether what stands under a model's `adapters` is a LoRA for that model, before an engine starts on it.
// llama-server ends at a wrong one, and all who use the model with it; vLLM may end when a request first asks for it.
// Pure functions over headers, and one that reads them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/gguf.hpp"
#include "engines/model_folder.hpp"
#include "engines/model_settings.hpp"
#include "json/document.hpp"

namespace faelled::engines {

struct Adapters {
  struct Wrong {
    std::size_t number = 0;  // in ModelSettings::adapters
    Error error;
  };
  std::vector<AdapterSettings> usable;  // in order
  std::vector<Wrong> wrong;
  std::uint64_t bytes = 0;  // of memory for all that the engine takes at once
};

// Whether `adapters_folder`, where the model has one, can be named to an engine. Errors: not_found.
Expected<void> look_at_adapters_folder(const ModelSettings& model);

// Reads the headers of the model, where it has adapters, and of each of these. Errors: of the model's own files.
Expected<Adapters> look_at_adapters(const ModelSettings& model);

// Of two GGUF files. Errors: invalid, in words that name `what`.
Expected<void> adapter_fits(const GgufSummary& model, const GgufDetails& of_model, const GgufSummary& adapter,
                            const GgufDetails& of_adapter, const std::string& what);

// Of a PEFT adapter's adapter_config.json: its largest rank.
Expected<std::uint32_t> adapter_rank(std::string_view config, const std::string& what, json::Document& document);
// Of two safetensors. `shapes_count`: the model's matrices are not packed, so that their shapes say something.
Expected<void> adapter_fits(const SafetensorsSummary& model, bool shapes_count, const SafetensorsSummary& adapter,
                            std::uint32_t rank, const std::string& what);

// vLLM knows only some ranks: the least of them that takes one of `rank`. At most 512.
std::uint32_t rank_for(std::uint32_t rank);

}  // namespace faelled::engines
