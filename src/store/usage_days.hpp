// Sums of usage out of days: the store keeps a row for each day (UTC), member, caller and model beside the usage rows,
// written in the same transaction, so that a year is summed without reading a million rows. A question need not begin
// and end with a day, wherever it is asked from: the days that it touches are read, and of the rows of their ends those
// outside are taken off again. Pure; both stores use it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "store/rows.hpp"

namespace faelled::store {

inline constexpr std::int64_t day_us = 86'400'000'000;

// Days since 1970-01-01, before it too.
constexpr std::int64_t day_of(std::int64_t us) { return us / day_us - (us % day_us < 0 ? 1 : 0); }

struct UsageDays {
  struct Part {
    std::int64_t from_us;
    std::int64_t to_us;  // without it
    bool operator==(const Part&) const = default;
  };
  std::int64_t first = 0;
  std::int64_t last = -1;     // with it; before `first`: nothing was asked for
  std::vector<Part> outside;  // of these days, what was not asked for; at most two
  bool operator==(const UsageDays&) const = default;
};

UsageDays days_of(const UsageFilter& filter);

// `days`: sums over the days, at most limit + 1 of them, by member, caller and model. `outside`: sums over the rows
// outside, of the same members, in any order.
UsageSumPage page_of(std::vector<UsageSum> days, std::span<const UsageSum> outside, std::size_t limit);

// Rows as what they add to each day; for stores that add row by row.
struct UsageDay {
  std::int64_t day = 0;
  UsageSum sum;
};
std::vector<UsageDay> by_day(std::span<const ledger::UsageRow> rows);

}  // namespace faelled::store
