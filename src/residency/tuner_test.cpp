#include "residency/tuner.hpp"

#include <gtest/gtest.h>

namespace faelled::residency {
namespace {

using std::chrono::seconds;

struct Place {
  explicit Place(std::uint64_t bytes) : tuner(bytes) {}
  std::vector<Model> models{12};
  Tuner tuner;
  Instant now{std::chrono::hours(1)};
  ModelNumber stranger = 0;
  void ask(ModelNumber model) {
    tuner.asked(model, models, now);
    models[model].demand.asked(now);
    now += seconds(60);
  }
  // Two models are asked for in turn with strangers that never come again: only those who look at habits keep the two.
  void ask_by_habit(int times) {
    for (int i = 0; i < times; ++i) ask(i % 6 == 0 ? 0 : i % 6 == 3 ? 1 : 2 + stranger++ % 10);
  }
};

TEST(Tuner, FollowsLruUntilAnotherHasShownThatItIsBetter) {
  Place place(4);
  EXPECT_TRUE(place.tuner.weighing().recency);
  place.ask_by_habit(150);
  EXPECT_TRUE(place.tuner.weighing().recency) << "LRU itself has loaded fewer than 200 times";
  place.ask_by_habit(4000);
  EXPECT_TRUE(place.tuner.weighing().habit);
}

// Each model's time comes once and is then over: only recency serves.
TEST(Tuner, StaysWithRecencyWhereHabitsWouldMislead) {
  Place place(3);
  for (int day = 0; day < 200; ++day)
    for (int i = 0; i < 20; ++i) place.ask(static_cast<ModelNumber>((3 * day + i % 3) % 12));
  EXPECT_EQ(place.tuner.weighing().demand, 0);
}

}  // namespace
}  // namespace faelled::residency
