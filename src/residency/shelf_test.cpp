#include "residency/shelf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.hpp"

namespace faelled::residency {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Models of these sizes that were asked for in this order, a second after another.
struct Catalogue {
  std::vector<Model> models;
  Instant now{std::chrono::hours(1)};
  Catalogue(std::initializer_list<std::uint64_t> sizes) {
    for (const std::uint64_t bytes : sizes) {
      Model model{bytes, seconds(bytes), {}};
      model.demand.asked(now += seconds(100));
      models.push_back(model);
    }
  }
  std::vector<ModelNumber> put(Shelf& shelf, ModelNumber model) {
    return shelf.put(model, models, weighings[0], now).value();
  }
};

TEST(Shelf, TakesWhatFitsAndNobodyGoes) {
  Catalogue catalogue{3, 4, 3};
  Shelf shelf(10);
  for (const ModelNumber model : {0U, 1U, 2U}) EXPECT_THAT(catalogue.put(shelf, model), IsEmpty());
  EXPECT_EQ(shelf.free(), 0U);
  EXPECT_THAT(shelf.models(), UnorderedElementsAre(0, 1, 2));
}

TEST(Shelf, TheLeastWorthGoesFirst) {
  Catalogue catalogue{5, 5, 5};
  Shelf shelf(10);
  catalogue.put(shelf, 1);
  catalogue.put(shelf, 0);
  EXPECT_THAT(catalogue.put(shelf, 2), ElementsAre(0)) << "asked for longest ago";
  EXPECT_TRUE(shelf.holds(1) && shelf.holds(2) && !shelf.holds(0));
}

TEST(Shelf, WhatStillFitsIsPutBack) {
  Catalogue catalogue{2, 6, 8};
  Shelf shelf(10);
  catalogue.put(shelf, 0);
  catalogue.put(shelf, 1);
  EXPECT_THAT(catalogue.put(shelf, 2), ElementsAre(1)) << "the small one need not go as well";
  EXPECT_EQ(shelf.free(), 0U);
}

TEST(Shelf, AModelLargerThanTheMemoryIsRefusedAndNobodyGoes) {
  Catalogue catalogue{5, 11};
  Shelf shelf(10);
  catalogue.put(shelf, 0);
  EXPECT_EQ(shelf.put(1, catalogue.models, weighings[0], catalogue.now), std::nullopt);
  EXPECT_THAT(shelf.models(), ElementsAre(0));
}

TEST(Shelf, NeverHoldsMoreThanItsBytesAndLetsNobodyGoInVain) {
  SeededRandom random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Model> models;
    Instant now{std::chrono::hours(1)};
    for (int i = 0; i < 30; ++i) models.push_back({1 + random.below(40), seconds(1 + random.below(60)), {}});
    const std::uint64_t bytes = 1 + random.below(100);
    Shelf shelf(bytes);
    const Weighing& weighing = weighings.at(random.below(weighings.size()));
    for (int i = 0; i < 200; ++i) {
      now += seconds(random.below(1000));
      const auto model = static_cast<ModelNumber>(random.below(models.size()));
      if (!shelf.holds(model)) {
        const std::uint64_t free = shelf.free();
        const auto gone = shelf.put(model, models, weighing, now);
        if (models[model].bytes <= free) {
          EXPECT_THAT(gone.value(), IsEmpty());
        } else if (gone) {
          for (const ModelNumber m : *gone) EXPECT_LT(shelf.free(), models[m].bytes) << "it could have stayed";
        }
      }
      models[model].demand.asked(now);
      std::uint64_t used = 0;
      for (const ModelNumber m : shelf.models()) used += models[m].bytes;
      ASSERT_EQ(used + shelf.free(), bytes);
    }
  }
}

}  // namespace
}  // namespace faelled::residency
