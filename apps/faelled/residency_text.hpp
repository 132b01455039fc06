// What the command line says about memories and the models in them, out of /api/residency's answer. Pure.
#pragma once

#include <string>

#include "json/value.hpp"

namespace faelled::app {

// "4.1 GB", of a number of an answer.
std::string bytes_text(double bytes);

// Why a model is as it is: "since 2026-11-23 12:03 UTC: somebody asked for it". `at`: the answer's own time.
std::string why_text(const json::Value& model, const std::string& at);

// One line each, with a heading. Errors are an empty text: the answer is of another version.
std::string models_table(const std::string& answer, bool heading = true);
std::string devices_table(const std::string& answer);
// Of /api/residency/events, and what shows those before them.
std::string events_table(const std::string& answer);

// What of the answer is worth telling when it changes: not the seconds that run.
std::string standing_of(const std::string& answer);

}  // namespace faelled::app
