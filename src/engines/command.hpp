// Command: how one engine process is started, and what all of ours have in common there. A value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/model_settings.hpp"

namespace faelled::engines {

struct Command {
  std::string program;
  std::vector<std::string> arguments;    // without the program's name
  std::vector<std::string> environment;  // "NAME=value", all of it
  bool operator==(const Command&) const = default;
};

// Adds what a GPU's driver and runtime read, and what begins with one of `more`; nothing that the engine itself reads.
void pass_on(std::vector<std::string>& environment, const std::vector<std::string>& inherited,
             std::span<const std::string_view> more = {});

// What each place is promised. `made_for`: the model's own longest context, 0: it does not say; `file` says where that
// stands. Errors: invalid, where more is wanted than the model was made for.
Expected<std::uint32_t> context_of_place(const ModelSettings& model, std::uint32_t made_for, const std::string& file);

// It talks, and neither the settings nor the model itself (`own`) has a template for that.
inline bool lacks_template(const ModelSettings& model, bool own) {
  return !model.embeddings && !model.rerank && model.chat_template_file.empty() && !own;
}

}  // namespace faelled::engines
