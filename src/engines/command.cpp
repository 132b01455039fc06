#include "engines/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/limits.hpp"

namespace faelled::engines {

void pass_on(std::vector<std::string>& environment, const std::vector<std::string>& inherited,
             std::span<const std::string_view> more) {
  static constexpr std::array<std::string_view, 6> gpu{"CUDA_", "NVIDIA_", "HIP_", "ROCR_", "HSA_", "LD_LIBRARY_PATH="};
  for (const std::string& entry : inherited) {
    const auto begins = [&](std::string_view prefix) { return entry.starts_with(prefix); };
    if (std::ranges::any_of(gpu, begins) || std::ranges::any_of(more, begins)) environment.push_back(entry);
  }
}

Expected<std::uint32_t> context_of_place(const ModelSettings& model, std::uint32_t made_for, const std::string& file) {
  if (model.context_tokens == 0)
    return made_for == 0 ? limits::context_tokens_default : std::min(made_for, limits::context_tokens_default);
  if (made_for != 0 && model.context_tokens > made_for) {
    return fail(Errc::invalid,
                fmt::format("model {}: context_tokens {} is more than the {} that {} was made for", model.id,
                            model.context_tokens, made_for, file),
                fmt::format("set context_tokens to {} or less", made_for));
  }
  return model.context_tokens;
}

}  // namespace faelled::engines
