// Paging: what of a list of people or keys goes into one answer. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "portal/csv.hpp"

namespace faelled::portal {

// The query's `limit`: a whole number from 1 to `max`; absent: `otherwise`. Errors: invalid.
Expected<std::size_t> limit_of(std::string_view query, std::size_t otherwise, std::size_t max);

// The query's `format`: csv or excel; nullopt: JSON. Errors: invalid.
Expected<std::optional<CsvForm>> form_of(std::string_view query);

// Small letters for large ones, the Danish and other Latin-1 ones too: for searching and sorting, not for showing.
std::string folded(std::string_view text);

template <class Row>
struct Page {
  std::vector<Row> rows;
  std::string next;  // give it as `after`; empty: the last page
  std::size_t total = 0;
};

// The rows behind the one whose id is `after` (empty: from the first), at most `limit`. Errors: invalid (no such row).
template <class Row>
Expected<Page<Row>> page_of(std::vector<Row> rows, std::string_view after, std::size_t limit) {
  Page<Row> page;
  page.total = rows.size();
  auto from = rows.begin();
  if (!after.empty()) {
    from = std::ranges::find(rows, after, &Row::id);
    if (from == rows.end()) return fail(Errc::invalid, "after is the id of a row of this list", "begin again without");
    ++from;
  }
  const auto left = static_cast<std::size_t>(rows.end() - from);
  page.rows.assign(std::make_move_iterator(from),
                   std::make_move_iterator(from + static_cast<std::ptrdiff_t>(std::min(left, limit))));
  if (left > limit) page.next = page.rows.back().id;
  return page;
}

}  // namespace faelled::portal
