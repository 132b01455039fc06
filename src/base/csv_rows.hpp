// CsvRows: a text as rows of fields (RFC 4180), each with the line on which it begins. Takes what spreadsheets write:
// '\n' or "\r\n", and ',' ';' or a tab between fields, as the first line has it; UTF-8's mark in front. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace faelled {

struct CsvRow {
  std::size_t line = 0;  // from 1
  std::vector<std::string> fields;
};

class CsvRows {
 public:
  explicit CsvRows(std::string_view text);

  // The next row that is not empty; nullopt at the end. Errors: invalid (a quotation that does not end, or with
  // something behind it), on line().
  Expected<std::optional<CsvRow>> next();
  std::size_t line() const { return line_; }

 private:
  Expected<std::string> quoted();

  std::string_view rest_;
  char between_ = ',';
  std::size_t line_ = 1;
};

}  // namespace faelled
