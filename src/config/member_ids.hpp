// Ids of members in the file. Private to config.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "config/fields.hpp"

namespace faelled::config {

// Required under `key`; nothing where it is absent or no id, which is a problem.
std::optional<std::string> member_id(Fields& fields, std::string_view key);

// A member that something else in the file names is made too.
void add_member_if_new(Config& config, const std::string& id);

}  // namespace faelled::config
