// CSV as RFC 4180 has it and, where asked, as a Danish Excel opens it by a double click. Pure.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace faelled::portal {

enum class CsvForm { plain, excel };  // excel: UTF-8 with a mark at its beginning, ';' between the fields

// A text that a spreadsheet would take for a formula gets a leading apostrophe.
std::string csv_field(std::string_view text, char separator = ',');

// What stands before the first line.
std::string_view csv_mark(CsvForm form);
std::string csv_line(CsvForm form, std::initializer_list<std::string_view> fields);

}  // namespace faelled::portal
