// A plan of agreements as a person reads it on the command line: what begins, ends and changes, before → after. Pure.
#pragma once

#include <string>

#include "json/document.hpp"

namespace faelled::app {

// One line for each step, then the warnings and a sum. `plan`: the server's answer.
std::string plan_text(const json::Value& plan);

// One agreement as lines of "name: value".
std::string agreement_text(const json::Value& agreement);

}  // namespace faelled::app
