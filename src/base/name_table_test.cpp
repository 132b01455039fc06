#include "base/name_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/random.hpp"

namespace faelled {
namespace {

TEST(NameTable, GivesEachNameItsNumberForGood) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    NameTable table;
    std::map<std::string, std::uint32_t> model;
    for (int i = 0; i < 3000; ++i) {
      std::string name(random.below(random.below(50) == 0 ? 5000 : 40), 'n');
      for (char& c : name) c = static_cast<char>(random.below(3));
      EXPECT_EQ(table.find(name).has_value(), model.contains(name)) << "seed " << seed;
      const std::uint32_t number = table.add(name);
      const auto [known, fresh] = model.try_emplace(name, static_cast<std::uint32_t>(model.size()));
      ASSERT_EQ(number, known->second) << "seed " << seed;
    }
    ASSERT_EQ(table.size(), model.size());
    for (const auto& [name, number] : model) {
      EXPECT_EQ(table.find(name), number) << "seed " << seed;
      EXPECT_EQ(table.name(number), name) << "seed " << seed;
    }
  }
}

TEST(NameTable, TakesNamesLongerThanABlockIsLeft) {
  NameTable table;
  const std::string longest(65'535, 'x');
  EXPECT_EQ(table.add("a"), 0U);
  EXPECT_EQ(table.add(longest), 1U);
  EXPECT_EQ(table.add("b"), 2U);
  EXPECT_EQ(table.add(""), 3U);
  EXPECT_EQ(table.name(1), longest);
  EXPECT_EQ(table.name(2), "b");
  EXPECT_EQ(table.find(""), 3U);
  EXPECT_EQ(table.find("c"), std::nullopt);
}

}  // namespace
}  // namespace faelled
