// What an answer of the server says. A member that is not there is none, as an older server has none.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "json/value.hpp"

namespace faelled::app {

// A text as it is, anything else as JSON; `none` where it is null or not there.
std::string text_of(const json::Value& object, std::string_view name, std::string_view none = "");
// Zero and false where it is of another kind or not there.
double number_of(const json::Value& object, std::string_view name);
bool is(const json::Value& object, std::string_view name);

// `what`: "has no rows".
Error strange_answer(std::string_view what);

}  // namespace faelled::app
