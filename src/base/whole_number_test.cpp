#include "base/whole_number.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace faelled {
namespace {

TEST(WholeNumber, IsAllOfTheText) {
  EXPECT_EQ(whole_number<std::uint64_t>("0"), 0U);
  EXPECT_EQ(whole_number<std::uint64_t>("007"), 7U);
  EXPECT_EQ(whole_number<std::uint64_t>("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(whole_number<std::int64_t>("-12"), -12);
  for (const std::string_view text : {"", " ", " 1", "1 ", "+1", "-1", "1.0", "1e3", "0x10", "12a", "1,2"})
    EXPECT_EQ(whole_number<std::uint64_t>(text), std::nullopt) << text;
}

TEST(WholeNumber, DoesNotEndAtAZeroByte) {
  EXPECT_EQ(whole_number<std::uint64_t>(std::string("12\0", 3)), std::nullopt);
  EXPECT_EQ(whole_number<std::uint64_t>(std::string("12\0junk", 7)), std::nullopt);
}

TEST(WholeNumber, IsNoneThatTheTypeDoesNotHold) {
  EXPECT_EQ(whole_number<std::uint64_t>("18446744073709551616"), std::nullopt);
  EXPECT_EQ(whole_number<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(whole_number<std::uint16_t>("65536"), std::nullopt);
  EXPECT_EQ(whole_number<std::int64_t>("9223372036854775808"), std::nullopt);
}

}  // namespace
}  // namespace faelled
