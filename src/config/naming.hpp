// What a model or an adapter is called, and what people read of it. Private to config.
#pragma once

#include <optional>
#include <vector>

#include "config/config.hpp"
#include "config/fields.hpp"

namespace faelled::config {

// Of the keys `card` and `aliases` of a section.
std::optional<Card> read_card(Fields& section, Problems& problems);
std::vector<Alias> read_aliases(Fields& section, Problems& problems);

}  // namespace faelled::config
