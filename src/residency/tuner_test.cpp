#include "residency/tuner.hpp"

#include <gtest/gtest.h>

namespace faelled::residency {
namespace {

using std::chrono::seconds;

struct Place {
  std::vector<Model> models{12};
  Tuner tuner{4};
  Instant now{std::chrono::hours(1)};
  void ask(ModelNumber model) {
    tuner.asked(model, models, now);
    models[model].demand.asked(now);
    now += seconds(60);
  }
};

// Two models are asked for in turn with strangers that never come again: only those who look at habits keep the two.
TEST(Tuner, FollowsHabitWhereStrangersComeAndGo) {
  Place place;
  ModelNumber stranger = 0;
  for (int i = 0; i < 4000; ++i) {
    place.ask(i % 6 == 0 ? 0 : i % 6 == 3 ? 1 : 2 + stranger++ % 10);
  }
  EXPECT_GT(place.tuner.weighing().demand, 0);
}

// Each model's time comes once and is then over: only recency serves.
TEST(Tuner, FollowsRecencyWhereHabitsMislead) {
  Place place;
  for (int day = 0; day < 60; ++day)
    for (int i = 0; i < 200; ++i) place.ask(static_cast<ModelNumber>((day + i % 4) % 12));
  const Weighing& weighing = place.tuner.weighing();
  EXPECT_FALSE(weighing.habit && weighing.age == 0);
}

}  // namespace
}  // namespace faelled::residency
