#include "portal/render.hpp"

#include <gtest/gtest.h>

namespace faelled::portal {
namespace {

TEST(Csv, QuotesWhatNeedsItAndDisarmsFormulas) {
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"x\"\n"), "\"say \"\"x\"\"\n\"");
  for (const char* formula : {"=1+1", "+1", "-1", "@SUM(A1)", "\tx"})
    EXPECT_EQ(csv_field(formula), std::string("'") + formula);
  EXPECT_EQ(csv_field("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
}

TEST(Times, AreReadAsTheyAreWritten) {
  for (const char* text : {"2026-11-23T16:33:07.123456Z", "1969-12-31T23:59:59.999999Z", "2024-02-29T00:00:00.000000Z"})
    EXPECT_EQ(time_text(parse_time(text).value()), text);
  EXPECT_EQ(time_text(parse_time("2026-11-23").value()), "2026-11-23T00:00:00.000000Z");
  EXPECT_EQ(time_text(parse_time("2026-11-23T01:02:03.5Z").value()), "2026-11-23T01:02:03.500000Z");
  for (const char* text :
       {"", "2026", "2026-02-30", "2026-1-1", "2026-11-23T", "2026-11-23T25:00:00Z", "2026-11-23T01:02:03",
        "2026-11-23T01:02:03+01:00", "2026-11-23T01:02:03.Z", "2026-11-23T01:02:03.1234567Z", "2026-11-23 01:02:03Z",
        "-026-11-23", "2026-11-23T01:02:03xZ"})
    EXPECT_FALSE(parse_time(text)) << text;
}

}  // namespace
}  // namespace faelled::portal
