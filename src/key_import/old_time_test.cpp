#include "key_import/old_time.hpp"

#include <gtest/gtest.h>

namespace faelled::key_import {
namespace {

TEST(OldTime, IsReadInTheFormsOfOtherGateways) {
  const WallTime day = std::chrono::sys_days(std::chrono::year(2027) / 1 / 1);
  for (const char* text : {"2027-01-01", "2027-01-01 00:00", "2027-01-01 00:00:00", "2027-01-01T00:00:00Z",
                           "2027-01-01T00:00:00.000000+00:00", "2027-01-01 00:00:00+00", "2027-01-01T02:00:00+0200",
                           "2026-12-31T21:30:00-02:30", "2027-01-01 00:00:00.000 +00"})
    EXPECT_EQ(read_old_time(text), day) << text;
  EXPECT_EQ(read_old_time("2027-01-01T00:00:00.123456789Z"), day + 123456us);
}

TEST(OldTime, IsNothingWhereItIsNone) {
  for (const char* text :
       {"", "soon", "2027", "2027-13-01", "2027-02-30", "2027-01-01T", "2027-01-01T24:00:00", "2027-01-01 00",
        "2027-01-01T00:00:00X", "2027-01-01T00:00:00+1", "2027-01-01T00:00:00+99:00", "2027-01-01T00:00:00.",
        "1969-12-31", "1970-01-01T00:00:00+01:00", "2027-01-01T00:00:00ZZ", "-027-01-01"})
    EXPECT_EQ(read_old_time(text), std::nullopt) << text;
}

}  // namespace
}  // namespace faelled::key_import
