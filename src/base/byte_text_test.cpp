#include "base/byte_text.hpp"

#include <gtest/gtest.h>

namespace faelled {
namespace {

TEST(ByteText, SaysGbWithADecimalAndLessInWholeUnits) {
  EXPECT_EQ(byte_text(0), "0 B");
  EXPECT_EQ(byte_text(999), "999 B");
  EXPECT_EQ(byte_text(1'500), "2 kB");
  EXPECT_EQ(byte_text(400'400'000), "400 MB");
  EXPECT_EQ(byte_text(4'140'000'000), "4.1 GB");
  EXPECT_EQ(byte_text(80'000'000'000), "80 GB");
  EXPECT_EQ(byte_text(404'560'000'000), "404.6 GB");
  EXPECT_EQ(byte_text(1'250'000'000'000), "1.3 TB");
  EXPECT_EQ(byte_text(UINT64_MAX), "18446744.1 TB");
  EXPECT_EQ(byte_text(4'140'000'000, Rounded::near, ','), "4,1 GB");
}

TEST(ByteText, RoundsANeedUpAndWhatThereIsDown) {
  EXPECT_EQ(byte_text(16'000'000'001, Rounded::up), "16.1 GB");
  EXPECT_EQ(byte_text(16'000'000'001, Rounded::down), "16 GB");
  EXPECT_EQ(byte_text(16'000'000'000, Rounded::up), "16 GB");
}

TEST(ByteText, TakesTheNextUnitWhereItIsRoundedIntoIt) {
  EXPECT_EQ(byte_text(999'600'000), "1 GB");
  EXPECT_EQ(byte_text(999'600'000, Rounded::down), "999 MB");
  EXPECT_EQ(byte_text(999'950'000'000), "1 TB");
  EXPECT_EQ(byte_text(999'500), "1 MB");
}

}  // namespace
}  // namespace faelled
