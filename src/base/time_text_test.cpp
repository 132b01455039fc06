#include "base/time_text.hpp"

#include <gtest/gtest.h>

namespace faelled {
namespace {

TEST(TimeText, ReadsWhatItWrites) {
  for (const char* text : {"2026-11-23T16:33:07.123456Z", "1969-12-31T23:59:59.999999Z", "2024-02-29T00:00:00.000000Z",
                           "0027-01-01T00:00:00.000000Z"})
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
}  // namespace faelled
