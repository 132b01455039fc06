// Csv: rows of a comma-separated file whose first line names the columns, each read into views of the text. Columns may
// come in any order and further ones are passed over, so that others' logs need no rewriting. No quotation: the
// names in a trace are ids. Private to sim.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace faelled::sim {

class Csv {
 public:
  // `what` names the file in errors ("the trace"). Errors: invalid where a column is missing.
  static Expected<Csv> open(std::string_view text, std::string_view what, std::span<const std::string_view> columns);

  // False at the end. Errors: invalid for a row with too few or too many fields.
  Expected<bool> next();
  std::string_view field(std::size_t column) const { return fields_[place_[column]]; }

  // A whole number in [min, max], a time in seconds from `min_s` to `max_s`, a name; errors name line and column.
  Expected<std::uint32_t> number(std::size_t column, std::uint32_t min, std::uint32_t max) const;
  Expected<Duration> seconds(std::size_t column, double min_s, double max_s) const;
  Expected<std::string_view> name(std::size_t column) const;

  std::unexpected<Error> wrong(std::size_t column, const std::string& message, std::string hint) const;

 private:
  Csv() = default;
  std::string_view line();
  void split(std::string_view line);

  std::string_view rest_;
  std::string what_;
  std::vector<std::string> columns_;
  std::vector<std::size_t> place_;
  std::vector<std::string_view> fields_;
  std::size_t fields_wanted_ = 0;
  std::size_t line_ = 0;
};

}  // namespace faelled::sim
