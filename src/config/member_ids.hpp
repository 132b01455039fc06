// What members and people are called in the file, by the rules of everywhere else. Private to config.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "config/fields.hpp"

namespace faelled::config {

// Required under `key`; nothing where it is absent or no id, which is a problem.
std::optional<std::string> member_id(Fields& fields, std::string_view key);

// The name that stands under `key`; nothing where it is absent or cannot be shown to people, which is a problem.
std::optional<std::string> fit_to_show(Fields& fields, std::string_view key, std::optional<std::string> name);

// A member that something else in the file names is made too.
void add_member_if_new(Config& config, const std::string& id);

}  // namespace faelled::config
