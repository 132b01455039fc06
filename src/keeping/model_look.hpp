// What a model's file says of it: whether an engine could serve it, and what memory it would take. Read from the disk,
// or of a file that is still at its source, from its beginning alone. May block: for a thread that may.
#pragma once

#include <atomic>
#include <expected>

#include "engines/memory_need.hpp"
#include "engines/model_settings.hpp"
#include "fetch/fetch.hpp"
#include "portal/catalogue_keeping.hpp"

namespace faelled::keeping {

// As the node looks before it begins an engine: what it would refuse is refused.
std::expected<engines::MemoryNeed, portal::WrongDefinition> looked_at(const engines::ModelSettings& settings);

// Of a model with a source: where lies what is fetched for it. A GGUF file, or the folder that vLLM reads; empty: not
// even its name is known yet.
std::string& fetched_path(engines::ModelSettings& settings);
const std::string& fetched_path(const engines::ModelSettings& settings);

// It is fetched, and its file or folder is not here (any more).
bool is_away(const engines::ModelSettings& settings);

// Only for a model with a source.
fetch::Order order_of(const engines::ModelSettings& settings);

// Bytes for models.
struct Memories {
  std::uint64_t machine = 0;
  std::uint64_t gpu = 0;       // of the largest GPU
  std::uint64_t together = 0;  // the same, or of a group of them, for models that spread
  std::uint64_t of(const engines::ModelSettings& model) const;
};

// As looked_at(), of a file that is away, together with what its source says.
portal::ModelFit looked_at_source(engines::ModelSettings settings, const fetch::Settings& how,
                                  const std::atomic<bool>& stop, const Memories& memories);
// What a need is beside the memory there is.
portal::ModelFit fit_of(const engines::ModelSettings& settings, const engines::MemoryNeed& need,
                        const Memories& memories);

}  // namespace faelled::keeping
