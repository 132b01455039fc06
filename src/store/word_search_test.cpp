#include "store/word_search.hpp"

#include <gtest/gtest.h>

namespace faelled::store {
namespace {

using Words = std::vector<std::string>;

TEST(WordSearch, KnowsLargeAndSmallDanishLettersAsTheSame) {
  EXPECT_EQ(folded("ÆBLEGRØD Å É ×"), "æblegrød å é ×");
  EXPECT_EQ(folded("\xC3"), "\xC3") << "half a character stays what it is";
  EXPECT_EQ(folded("日本 🐄"), "日本 🐄");
}

TEST(WordSearch, TakesAQueryApart) {
  EXPECT_EQ(words_of_query("  Grøn \t cykelsti grøn\n"), (Words{"grøn", "cykelsti"}));
  EXPECT_TRUE(words_of_query(" \n ").empty());
  EXPECT_EQ(words_of_query("1 2 3 4 5 6 7 8 9 10").size(), 8U) << "no more words than the bound";
}

TEST(WordSearch, WantsEveryWordAndShowsWhereTheFirstStands) {
  const std::string text = "Høringssvar om den nye\ncykelsti langs ÅEN";
  EXPECT_EQ(excerpt_with(text, {"åen", "cykel"}), "Høringssvar om den nye cykelsti langs ÅEN");
  EXPECT_EQ(excerpt_with(text, {"åen", "bus"}), std::nullopt);
  EXPECT_EQ(excerpt_with(text, {}), std::nullopt) << "no words find nothing";
}

TEST(WordSearch, CutsBetweenCharacters) {
  for (std::size_t pad = 0; pad < 6; ++pad) {
    std::string text(pad, 'x');
    for (int i = 0; i < 100; ++i) text += "ø€";
    text += "mål";
    for (int i = 0; i < 100; ++i) text += "🐄æ";
    const std::string shown = excerpt_with(text, {"mål"}).value();
    EXPECT_TRUE(shown.starts_with("…") && shown.ends_with("…") && shown.contains("mål")) << shown;
    EXPECT_LE(shown.size(), 130U);
    const std::string inside = shown.substr(3, shown.size() - 6);
    EXPECT_NE(static_cast<unsigned char>(inside.front()) & 0xC0U, 0x80U) << pad;
    std::size_t back = inside.size();
    while (back > 0 && (static_cast<unsigned char>(inside[back - 1]) & 0xC0U) == 0x80U) --back;
    const auto lead = static_cast<unsigned char>(inside[back - 1]);
    EXPECT_EQ(inside.size() - back + 1, lead >= 0xF0 ? 4U : lead >= 0xE0 ? 3U : lead >= 0xC0 ? 2U : 1U) << pad;
  }
}

}  // namespace
}  // namespace faelled::store
