#include "base/csv_rows.hpp"

#include <algorithm>

namespace faelled {

CsvRows::CsvRows(std::string_view text) : rest_(text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (rest_.starts_with(mark)) rest_.remove_prefix(mark.size());
  const std::string_view first = rest_.substr(0, rest_.find('\n'));
  std::ptrdiff_t most = 0;
  for (const char candidate : {',', ';', '\t'}) {
    const auto times = std::ranges::count(first, candidate);
    if (times > most) between_ = candidate;
    most = std::max(most, times);
  }
}

// Behind the opening quotation mark.
Expected<std::string> CsvRows::quoted() {
  const std::size_t begun_at = line_;
  std::string field;
  while (true) {
    const std::size_t end = rest_.find('"');
    if (end == std::string_view::npos) {
      line_ = begun_at;
      return fail(Errc::invalid, "a quotation begins and does not end", "close it with a quotation mark");
    }
    field += rest_.substr(0, end);
    line_ += static_cast<std::size_t>(std::ranges::count(rest_.substr(0, end), '\n'));
    rest_.remove_prefix(end + 1);
    if (!rest_.starts_with('"')) return field;
    field += '"';
    rest_.remove_prefix(1);
  }
}

Expected<std::optional<CsvRow>> CsvRows::next() {
  while (!rest_.empty()) {
    CsvRow row{line_, {}};
    for (bool more = true; more;) {
      if (rest_.starts_with('"')) {
        rest_.remove_prefix(1);
        auto field = quoted();
        if (!field) return std::unexpected(field.error());
        row.fields.push_back(std::move(*field));
      } else {
        const std::size_t end = std::min(rest_.find(between_), rest_.find('\n'));
        row.fields.emplace_back(rest_.substr(0, end));
        rest_.remove_prefix(row.fields.back().size());
      }
      more = rest_.starts_with(between_);
      if (more) rest_.remove_prefix(1);
    }
    if (std::string& last = row.fields.back(); last.ends_with('\r')) last.pop_back();
    if (rest_.starts_with('\r')) rest_.remove_prefix(1);  // behind a quotation
    if (!rest_.empty() && !rest_.starts_with('\n'))
      return fail(Errc::invalid, "something stands behind a quotation", "double the quotation marks inside a field");
    if (!rest_.empty()) rest_.remove_prefix(1);
    ++line_;
    const bool empty = std::ranges::all_of(row.fields, [](const std::string& field) { return field.empty(); });
    if (!empty) return row;
  }
  return std::nullopt;
}

}  // namespace faelled
