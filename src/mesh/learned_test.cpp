#include "mesh/learned.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"

namespace faelled::mesh {
namespace {

using testing::HasSubstr;

residency::Habit habit_of(SeededRandom& random) {
  residency::Habit habit;
  for (std::uint64_t day = 0, days = random.below(30); day < days; ++day)
    for (std::uint32_t number = 0; number < residency::Quarter::in_a_day; ++number) {
      const residency::Quarter quarter{number, day % 7 < 5};
      if (number == 32 || random.below(10) == 0) habit.asked(quarter);
      habit.over(quarter);
    }
  return habit;
}

TEST(Habits, ComeBackAsTheyWere) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    Habits all;
    for (std::uint64_t i = 0; i < seed; ++i) all.emplace("org/model:" + std::to_string(i), habit_of(random));
    const auto back = read_habits(text_of(all));
    ASSERT_TRUE(back) << "seed " << seed << ": " << back.error().message;
    EXPECT_EQ(*back, all) << "seed " << seed;
  }
}

TEST(Loads, ComeBackAsTheyWere) {
  const Loads all = {{"a", {1, std::chrono::milliseconds(1)}}, {"org/b:2", {UINT64_MAX, std::chrono::seconds(90)}}};
  EXPECT_EQ(text_of(all), "loads 1\na 1 1\norg/b:2 18446744073709551615 90000\n");
  EXPECT_EQ(read_loads(text_of(all)).value(), all);
  EXPECT_EQ(read_loads(text_of(Loads{})).value(), Loads{});
}

TEST(Loads, ThatCannotBeReadAreNamedByTheirLine) {
  for (const char* wrong : {"", "habits 1\n", "loads 2\n", "loads 1\na\n", "loads 1\na 1\n", "loads 1\na 0 5\n",
                            "loads 1\na 5 0\n", "loads 1\na 5 -1\n", "loads 1\na 5 5 5\n", "loads 1\na 5 9999999999\n",
                            "loads 1\n a 5\n", "loads 1\na 1 1\na 1 1\n"}) {
    const auto read = read_loads(wrong);
    ASSERT_FALSE(read) << wrong;
    EXPECT_THAT(read.error().message, HasSubstr("of the models' loads cannot be read")) << wrong;
  }
}

TEST(Habits, OfAMorningAreShort) {
  residency::Habit habit;
  for (int day = 0; day < 15; ++day)
    for (std::uint32_t number = 0; number < residency::Quarter::in_a_day; ++number) {
      if (number == 32) habit.asked({number, true});
      habit.over({number, true});
    }
  EXPECT_EQ(habit.text(), "32*0,255,63*0,96*15,96*0,96*0");
  EXPECT_FALSE(habit.empty());
  EXPECT_TRUE(residency::Habit{}.empty());
}

TEST(Habits, ThatCannotBeReadAreNamedByTheirLine) {
  const std::string good = text_of(Habits{{"a", {}}});
  ASSERT_TRUE(read_habits(good));
  for (const char* wrong : {"", "habits 2\n", "habits 1\na\n", "habits 1\na 96*0\n", "habits 1\n a\n",
                            "habits 1\na 96*256,96*0,96*0,96*0\n", "habits 1\na 96*0,96*16,96*0,96*0\n",
                            "habits 1\na 97*0,96*0,96*0,96*0\n", "habits 1\na 0*0,96*0,96*0,96*0,96*0\n",
                            "habits 1\na 96*0,96*0,96*0,96*0,\nx", "habits 1\na 96*0,96*0,96*0,96*0,0\n"}) {
    const auto read = read_habits(wrong);
    ASSERT_FALSE(read) << wrong;
    EXPECT_THAT(read.error().message, HasSubstr("line ")) << wrong;
  }
  EXPECT_FALSE(read_habits(good + good.substr(good.find('\n') + 1))) << "one model twice";
}

// Whatever somebody wrote there: refused, or read and written again as the same.
TEST(Habits, OfRandomBytesBreakNothing) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    SeededRandom random(seed);
    std::string text = text_of(Habits{{"a", habit_of(random)}, {"b", habit_of(random)}});
    for (std::uint64_t i = 0, changes = random.below(4); i < changes; ++i) {
      const auto at = static_cast<std::size_t>(random.below(text.size()));
      switch (random.below(3)) {
        case 0:
          text[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          text.erase(at, static_cast<std::size_t>(random.below(20)));
          break;
        default:
          text.insert(at, 1, "0123456789*, \n"[random.below(14)]);
      }
      if (text.empty()) break;
    }
    if (const auto read = read_habits(text)) EXPECT_EQ(read_habits(text_of(*read)).value(), *read) << "seed " << seed;
  }
}

}  // namespace
}  // namespace faelled::mesh
