#include "sim/csv.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/limits.hpp"
#include "base/whole_number.hpp"

namespace faelled::sim {
namespace {

constexpr std::size_t shown_bytes_max = 40;
constexpr std::size_t columns_max = 64;

std::string in_quotes(std::string_view text) {
  std::string shown(text.substr(0, shown_bytes_max));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return "'" + shown + (text.size() > shown_bytes_max ? "…'" : "'");
}

}  // namespace

std::string_view Csv::line() {
  std::string_view line = rest_.substr(0, rest_.find('\n'));
  rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++line_;
  return line;
}

void Csv::split(std::string_view line) {
  fields_.clear();
  while (fields_.size() <= columns_max) {
    const std::size_t comma = line.find(',');
    fields_.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return;
    line.remove_prefix(comma + 1);
  }
}

Expected<Csv> Csv::open(std::string_view text, std::string_view what, std::span<const std::string_view> columns) {
  Csv csv;
  csv.rest_ = text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text;
  csv.what_ = what;
  csv.split(csv.line());
  std::string all;
  for (const std::string_view column : columns) all += (all.empty() ? "" : ",") + std::string(column);
  for (const std::string_view column : columns) {
    const auto at = std::ranges::find(csv.fields_, column);
    if (at == csv.fields_.end())
      return fail(Errc::invalid, csv.what_ + " has no column " + std::string(column) + " in its first line",
                  "its first line must be " + all);
    csv.place_.push_back(static_cast<std::size_t>(at - csv.fields_.begin()));
    csv.columns_.emplace_back(column);
  }
  csv.fields_wanted_ = csv.fields_.size();
  return csv;
}

Expected<bool> Csv::next() {
  while (!rest_.empty()) {
    const std::string_view row = line();
    if (row.empty()) continue;
    split(row);
    if (fields_.size() == fields_wanted_) return true;
    return fail(Errc::invalid,
                what_ + ", line " + std::to_string(line_) + ": " + std::to_string(fields_.size()) + " fields, not " +
                    std::to_string(fields_wanted_),
                "each line has as many as the first one names; names hold no comma");
  }
  return false;
}

std::unexpected<Error> Csv::wrong(std::size_t column, const std::string& message, std::string hint) const {
  return fail(Errc::invalid,
              what_ + ", line " + std::to_string(line_) + ": " + columns_[column] + " " + in_quotes(field(column)) +
                  " " + message,
              std::move(hint));
}

Expected<std::uint32_t> Csv::number(std::size_t column, std::uint32_t min, std::uint32_t max) const {
  const auto value = whole_number<std::uint32_t>(field(column));
  if (!value || *value < min || *value > max)
    return wrong(column, "is no whole number from " + std::to_string(min) + " to " + std::to_string(max),
                 "write it without unit, sign and point");
  return *value;
}

Expected<Duration> Csv::seconds(std::size_t column, double min_s, double max_s) const {
  const std::string_view text = field(column);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size() || error != std::errc{} || !(value >= min_s && value <= max_s))
    return wrong(column, "is no time in seconds", "write it as 12.345, counted from the beginning of the trace");
  return Duration(std::llround(value * 1e9));
}

Expected<std::string_view> Csv::name(std::size_t column) const {
  const std::string_view text = field(column);
  const bool plain =
      std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
  if (text.empty() || text.size() > limits::name_bytes_max || !plain)
    return wrong(column, "is no name", "1 to " + std::to_string(limits::name_bytes_max) + " bytes of text");
  return text;
}

}  // namespace faelled::sim
