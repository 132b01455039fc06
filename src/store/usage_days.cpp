#include "store/usage_days.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

namespace faelled::store {
namespace {

auto key_of(const UsageSum& sum) { return std::tie(sum.member, sum.caller, sum.model); }

}  // namespace

UsageDays days_of(const UsageFilter& filter) {
  UsageDays out;
  // Far from where a day's bounds would leave the numbers.
  constexpr std::int64_t ever = std::numeric_limits<std::int64_t>::max() / 4;
  const std::int64_t from = filter.from ? unix_micros(*filter.from) : -ever;
  const std::int64_t to = filter.to ? unix_micros(*filter.to) : ever;
  if (from >= to) return out;
  out.first = day_of(from);
  out.last = day_of(to - 1);
  if (filter.from && from > out.first * day_us) out.outside.push_back({out.first * day_us, from});
  if (filter.to && to < (out.last + 1) * day_us) out.outside.push_back({to, (out.last + 1) * day_us});
  return out;
}

UsageSumPage page_of(std::vector<UsageSum> days, std::span<const UsageSum> outside, std::size_t limit) {
  UsageSumPage out;
  if (days.size() > limit) {
    days.resize(limit);
    out.next = {days.back().member, days.back().caller, days.back().model};
  }
  for (const UsageSum& sum : outside) {
    const auto at = std::ranges::lower_bound(days, key_of(sum), {}, key_of);
    if (at == days.end() || key_of(*at) != key_of(sum)) continue;
    for (auto count :
         {&UsageSum::requests, &UsageSum::input_tokens, &UsageSum::cached_tokens, &UsageSum::output_tokens})
      (*at).*count -= std::min((*at).*count, sum.*count);
  }
  std::erase_if(days, [](const UsageSum& sum) { return sum.requests == 0; });
  out.sums = std::move(days);
  return out;
}

std::vector<UsageDay> by_day(std::span<const ledger::UsageRow> rows) {
  std::map<std::tuple<std::string_view, std::string_view, std::string_view, std::int64_t>, UsageSum> days;
  for (const ledger::UsageRow& row : rows) {
    UsageSum& sum = days[{row.member, row.caller, row.model, day_of(unix_micros(row.started_at))}];
    ++sum.requests;
    sum.input_tokens += row.input_tokens;
    sum.cached_tokens += row.cached_tokens;
    sum.output_tokens += row.output_tokens;
  }
  std::vector<UsageDay> out;
  for (auto& [key, sum] : days) {
    sum.member = std::get<0>(key);
    sum.caller = std::get<1>(key);
    sum.model = std::get<2>(key);
    out.push_back({std::get<3>(key), std::move(sum)});
  }
  return out;
}

}  // namespace faelled::store
