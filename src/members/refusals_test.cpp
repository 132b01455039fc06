#include "members/refusals.hpp"

#include <gtest/gtest.h>

namespace faelled::members {
namespace {

const WallTime start = from_unix_micros(1'780'000'000'000'000LL);

store::AuditRow refusal(const std::string& actor, WallTime at, const std::string& action = "user.create") {
  store::AuditRow row;
  row.id = "aud_" + actor + std::to_string(unix_micros(at));
  row.at = at;
  row.actor_kind = store::ActorKind::user;
  row.actor = actor;
  row.action = action;
  row.outcome = store::AuditOutcome::refused;
  return row;
}

TEST(Refusals, AreRowsOfTheirOwnWhileTheyAreFew) {
  Refusals refusals;
  const auto rows = refusals.take(refusal("usr_a", start));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].times, 1U);
  EXPECT_TRUE(refusals.flush(start + 1h).empty());
}

TEST(Refusals, AreCountedWhereTheyAreMany) {
  Refusals refusals;
  std::size_t written = 0;
  for (int i = 0; i < 10'000; ++i) {
    const char* action = i % 4 == 0 ? "key.list" : "user.create";
    written += refusals.take(refusal("usr_a", start + std::chrono::milliseconds(i), action)).size();
  }
  EXPECT_EQ(written, limits::refusals_written_max);
  EXPECT_TRUE(refusals.flush(start + limits::refusals_counted_for - 1s).empty()) << "the minute goes on";
  const auto rows = refusals.flush(start + limits::refusals_counted_for);
  ASSERT_EQ(rows.size(), 2U) << "one for each action";
  EXPECT_EQ(rows[0].times + rows[1].times + written, 10'000U) << "none is forgotten";
  EXPECT_EQ(rows[1].at, start + 9999ms) << "the last one's time";
  EXPECT_TRUE(refusals.flush(start + 2h).empty());
}

TEST(Refusals, OfOneActorTakeNothingFromAnother) {
  Refusals refusals;
  for (int i = 0; i < 1000; ++i) (void)refusals.take(refusal("usr_a", start));
  EXPECT_EQ(refusals.take(refusal("usr_b", start)).size(), 1U);
}

TEST(Refusals, OfTheNextMinuteAreRowsAgainAndBringWhatWasCounted) {
  Refusals refusals;
  for (std::size_t i = 0; i < limits::refusals_written_max + 5; ++i) (void)refusals.take(refusal("usr_a", start));
  const auto rows = refusals.take(refusal("usr_a", start + limits::refusals_counted_for));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].times, 5U);
  EXPECT_EQ(rows[1].times, 1U);
}

TEST(Refusals, OfAnyNumberOfActorsTakeBoundedMemory) {
  Refusals refusals;
  std::size_t written = 0;
  for (std::size_t i = 0; i < 5 * limits::refusing_actors_max; ++i)
    written += refusals.take(refusal("usr_" + std::to_string(i), start)).size();
  EXPECT_LE(written, limits::refusing_actors_max + limits::refusals_written_max);
  std::uint32_t counted = 0;
  for (const auto& row : refusals.flush(std::nullopt)) counted += row.times;
  EXPECT_EQ(written + counted, 5 * limits::refusing_actors_max);
}

TEST(Refusals, GoOnWhenTheClockIsSetBack) {
  Refusals refusals;
  for (std::size_t i = 0; i < limits::refusals_written_max; ++i) (void)refusals.take(refusal("usr_a", start));
  EXPECT_EQ(refusals.take(refusal("usr_a", start - 1h)).size(), 1U);
}

}  // namespace
}  // namespace faelled::members
