// Rows of a JSON answer as a table for people, and as CSV. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "portal/csv.hpp"

namespace faelled::app {

// The objects of the array member `list` of `json`, one line each, the named members as columns, numbers to the right.
std::string table_of(const std::string& json, std::string_view list, const std::vector<std::string>& columns,
                     bool heading = true);

// The same rows as CSV: formulas disarmed, nothing where a member is null.
std::string csv_of(const std::string& json, std::string_view list, const std::vector<std::string>& columns,
                   bool heading = true, portal::CsvForm form = portal::CsvForm::plain);

}  // namespace faelled::app
