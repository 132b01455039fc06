// What a vLLM was built for. Reads the names of its packages.
#pragma once

#include <string>

namespace faelled::engines {

// `program`: bin/vllm in a Python of its own. Its version says whether it was built for processors; what cannot be read
// is taken for a build for GPUs.
bool vllm_for_processors(const std::string& program);

}  // namespace faelled::engines
