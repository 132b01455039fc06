// Times that a call names. Pure.
#pragma once

#include <expected>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "json/fields.hpp"
#include "openai/api_error.hpp"

namespace faelled::portal {

// Of a body: a time, or null for none; nullopt: the field is not there.
std::expected<std::optional<std::optional<WallTime>>, openai::ApiError> time_of(json::Fields& fields,
                                                                                std::string_view name);

// Of a query; nullopt: it names none.
std::expected<std::optional<WallTime>, openai::ApiError> time_of(std::string_view query, std::string_view name);

}  // namespace faelled::portal
