// GPUs that are one memory for models: an engine there sees all of them and divides its model among them (llama.cpp, by
// layers), so that one larger than a card has a place. Pure.
#pragma once

#include <string>
#include <vector>

#include "node/gpus.hpp"

namespace faelled::node {

struct GpuGroups {
  std::vector<std::vector<std::string>> uuids;
  std::vector<std::string> wrong;  // of each group that there is not, why
};

// `numbers`: those of "gpu0", "gpu1", … in `gpus`, in each group another.
GpuGroups groups_of(const std::vector<Gpu>& gpus, const std::vector<std::vector<unsigned>>& numbers);

// What the driver says, with each group as one GPU in the place of its first card; "gpu0+1" is its device. A group that
// misses a card is not there, and neither are the others of it.
std::vector<Gpu> together(const std::vector<Gpu>& gpus, const std::vector<std::vector<std::string>>& groups);

}  // namespace faelled::node
