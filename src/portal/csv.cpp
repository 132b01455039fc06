#include "portal/csv.hpp"

#include <utility>

namespace faelled::portal {

std::string csv_field(std::string_view text, char separator) {
  std::string out;
  if (!text.empty() && std::string_view("=+-@\t\r").contains(text[0])) out += '\'';
  out += text;
  if (out.find_first_of("\"\r\n") == std::string::npos && !out.contains(separator)) return out;
  std::string quoted = "\"";
  for (const char c : out) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string_view csv_mark(CsvForm form) { return form == CsvForm::excel ? "\xEF\xBB\xBF" : ""; }

std::string csv_line(CsvForm form, std::initializer_list<std::string_view> fields) {
  const char separator = form == CsvForm::excel ? ';' : ',';
  std::string out;
  bool first = true;
  for (const std::string_view field : fields) {
    if (!std::exchange(first, false)) out += separator;
    out += csv_field(field, separator);
  }
  return out + "\r\n";
}

}  // namespace faelled::portal
