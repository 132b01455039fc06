#include <map>
#include <vector>

#include "base/random.hpp"
#include "store/store_conformance_testing.hpp"

namespace faelled::store {

TEST_P(StoreConformance, KeepsAUsageRowOnceAndAsItCameFirst) {
  EXPECT_EQ(store().journal_position().value(), ledger::Position{});
  std::vector rows{usage_row(1), usage_row(2)};
  ASSERT_TRUE(store().add_usage(rows, {3, 400}));
  rows[0].output_tokens = 1;
  ASSERT_TRUE(store().add_usage(rows, {4, 500}));
  EXPECT_EQ(store().journal_position().value(), (ledger::Position{4, 500}));
  EXPECT_EQ(store().usage_rows({}, "", 10)->rows, (std::vector{usage_row(1), usage_row(2)}));
}

TEST_P(StoreConformance, SumsUsageByMemberCallerAndModel) {
  std::vector rows{usage_row(1), usage_row(2), usage_row(3, "odense")};
  rows[1].outcome = ledger::Outcome::failed;
  ASSERT_TRUE(store().add_usage(rows, {1, 64}));
  const auto sums = [&](const UsageFilter& filter) { return store().usage_sums(filter, {}, 10)->sums; };
  ASSERT_EQ(sums({}).size(), 2U);
  EXPECT_EQ(sums({}).at(0), (UsageSum{"aarhus", "key_a", "gemma", 2, 20, 8, 8'000'000'000ULL}));
  EXPECT_EQ(sums({}).at(1).member, "odense");
  EXPECT_EQ(sums({.from = at_second(2), .to = at_second(3)}).at(0).requests, 1U) << "from ≤ time < to";
  EXPECT_TRUE(sums({.from = at_second(3), .to = at_second(2)}).empty());
  EXPECT_EQ(sums({.member = "odense"}).size(), 1U);
  EXPECT_TRUE(sums({.caller = "key_b"}).empty());
}

// Rows of some days, some of them twice, and questions that begin and end anywhere, as asked from any time zone: what
// is kept by day says the same as the rows.
TEST_P(StoreConformance, SumsByDayAsTheRowsSay) {
  const std::uint64_t seed = SystemRandom().u64() % 1'000'000;
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed);
  const auto some_time = [&] {
    return at_second(0) + std::chrono::microseconds(random.below(5ULL * 86'400'000'000ULL));
  };
  std::vector<ledger::UsageRow> rows;
  for (std::uint64_t batch = 1; batch <= 6; ++batch) {
    std::vector<ledger::UsageRow> some;
    for (int i = 0; i < 40; ++i) {
      ledger::UsageRow row = usage_row(static_cast<int>(rows.size()), random.below(2) == 0 ? "aarhus" : "odense");
      row.caller = "key_" + std::to_string(random.below(3));
      row.model = random.below(2) == 0 ? "gemma" : "qwen";
      row.started_at = some_time();
      row.input_tokens = static_cast<std::uint32_t>(random.below(1000));
      some.push_back(row);
      rows.push_back(row);
      if (random.below(4) == 0) some.push_back(rows[random.below(rows.size())]);  // delivered once more
    }
    ASSERT_TRUE(store().add_usage(some, {batch, 64}));
  }
  for (int question = 0; question < 60; ++question) {
    UsageFilter filter;
    const auto zone = std::chrono::minutes(15 * static_cast<int>(random.below(105)) - 12 * 60);
    const auto midnight = [&] { return std::chrono::floor<std::chrono::days>(some_time()) - zone; };
    if (random.below(4) != 0) filter.from = random.below(2) == 0 ? some_time() : midnight();
    if (random.below(4) != 0) filter.to = random.below(2) == 0 ? some_time() : midnight();
    if (random.below(3) == 0) filter.member = "odense";
    if (random.below(3) == 0) filter.caller = "key_1";
    std::map<UsageKey, UsageSum> expected;
    for (const ledger::UsageRow& row : rows) {
      if ((filter.from && row.started_at < *filter.from) || (filter.to && row.started_at >= *filter.to)) continue;
      if (!filter.member.empty() && row.member != filter.member) continue;
      if (!filter.caller.empty() && row.caller != filter.caller) continue;
      UsageSum& sum = expected[{row.member, row.caller, row.model}];
      sum.member = row.member;
      sum.caller = row.caller;
      sum.model = row.model;
      ++sum.requests;
      sum.input_tokens += row.input_tokens;
      sum.cached_tokens += row.cached_tokens;
      sum.output_tokens += row.output_tokens;
    }
    std::vector<UsageSum> seen;
    std::optional<UsageKey> after;
    do {
      const auto page = store().usage_sums(filter, after, 3);
      ASSERT_TRUE(page);
      EXPECT_LE(page->sums.size(), 3U);
      seen.insert(seen.end(), page->sums.begin(), page->sums.end());
      after = page->next;
    } while (after);
    std::vector<UsageSum> wanted;
    for (const auto& [key, sum] : expected) wanted.push_back(sum);
    EXPECT_EQ(seen, wanted);
  }
}

TEST_P(StoreConformance, SumsACallersUsageByTheHour) {
  std::vector rows{usage_row(1), usage_row(2), usage_row(3600), usage_row(5000, "odense"), usage_row(5001)};
  rows[4].caller = "key_b";
  ASSERT_TRUE(store().add_usage(rows, {1, 64}));
  const auto hours = store().usage_hours({.member = "aarhus", .caller = "key_a"});
  ASSERT_TRUE(hours);
  ASSERT_EQ(hours->size(), 2U);
  const WallTime first = std::chrono::floor<std::chrono::hours>(at_second(1));
  EXPECT_EQ(hours->at(0).hour, first);
  EXPECT_EQ(hours->at(0).requests, 2U);
  EXPECT_EQ(hours->at(0).input_tokens, 20U);
  EXPECT_EQ(hours->at(1).hour, first + 1h);
  EXPECT_EQ(hours->at(1).requests, 1U);
  EXPECT_EQ(store().usage_hours({.from = at_second(2), .to = at_second(3), .caller = "key_a"})->at(0).requests, 1U);
  EXPECT_TRUE(store().usage_hours({.caller = "key_a", .model = "another"})->empty());
  EXPECT_EQ(store().usage_rows({.model = "gemma"}, "", 10)->rows.size(), 5U);
  EXPECT_TRUE(store().usage_rows({.member = "aarhus", .model = "another"}, "", 10)->rows.empty());
  EXPECT_TRUE(store().usage_rows({.caller = "key_a", .model = "another"}, "", 10)->rows.empty());
}

TEST_P(StoreConformance, PagesThroughUsageWithoutGapOrRepetition) {
  std::vector<ledger::UsageRow> rows;
  for (int i = 0; i < 25; ++i) {
    rows.push_back(usage_row(i, i % 5 == 0 ? "odense" : "aarhus"));
    rows.back().started_at = at_second(i / 4);  // several in the same moment
  }
  ASSERT_TRUE(store().add_usage(rows, {1, 64}));
  std::vector<ledger::UsageRow> seen;
  std::string after;
  do {
    const auto page = store().usage_rows({}, after, 4);
    ASSERT_TRUE(page);
    seen.insert(seen.end(), page->rows.begin(), page->rows.end());
    after = page->next;
  } while (!after.empty());
  EXPECT_EQ(seen, rows);
  EXPECT_EQ(store().usage_rows({.member = "odense"}, "", 10)->rows.size(), 5U);
  EXPECT_EQ(store().usage_rows({}, "req_none", 10).error().code, Errc::not_found);
}

}  // namespace faelled::store
