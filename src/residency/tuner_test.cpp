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
  void ask(ModelNumber model) {
    tuner.asked(model, models, now);
    models[model].demand.asked(now);
    now += seconds(60);
  }
};

// Two models are asked for in turn with strangers that never come again: only those who look at habits keep the two.
TEST(Tuner, FollowsHabitWhereStrangersComeAndGo) {
  Place place(4);
  EXPECT_FALSE(place.tuner.weighing().habit) << "at first";
  ModelNumber stranger = 0;
  for (int i = 0; i < 4000; ++i) {
    place.ask(i % 6 == 0 ? 0 : i % 6 == 3 ? 1 : 2 + stranger++ % 10);
  }
  EXPECT_TRUE(place.tuner.weighing().habit);
}

// Each model's time comes once and is then over: only recency serves.
TEST(Tuner, FollowsRecencyWhereHabitsMislead) {
  Place place(3);
  EXPECT_GT(place.tuner.weighing().demand, 0) << "at first";
  for (int day = 0; day < 200; ++day)
    for (int i = 0; i < 20; ++i) place.ask(static_cast<ModelNumber>((3 * day + i % 3) % 12));
  EXPECT_EQ(place.tuner.weighing().demand, 0);
}

}  // namespace
}  // namespace faelled::residency
