// The list of models as Anthropic's clients read it. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace faelled::openai::anthropic {

// Which part of the list is asked for; at most one of the two ids is used, after_id first. `limit`: 1 to 1000.
struct Page {
  std::string after_id, before_id;
  std::size_t limit = 20;
};

// `created`: when the list was made, as nothing tells when a model was.
void append_model(std::string& out, std::string_view id, WallTime created);
// An id that is not in the list begins anew: its model went meanwhile, and whoever goes on behind it hears of some
// twice and misses none.
void append_model_list(std::string& out, std::span<const std::string> ids, WallTime created, const Page& page);

}  // namespace faelled::openai::anthropic
