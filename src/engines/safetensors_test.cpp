#include "engines/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/limits.hpp"

namespace faelled::engines {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* small =
    R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[16,28]},)"
    R"("a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})";

Expected<SafetensorsSummary> read(std::string_view header, std::uint64_t data_bytes) {
  json::Document document;
  return read_safetensors(header, safetensors_prefix_bytes + header.size() + data_bytes, "m.safetensors", document);
}

std::string refusal(std::string_view header, std::uint64_t data_bytes) {
  const auto summary = read(header, data_bytes);
  EXPECT_FALSE(summary) << header;
  if (summary) return "";
  EXPECT_THAT(summary.error().message, HasSubstr("m.safetensors"));
  EXPECT_FALSE(summary.error().hint.empty());
  return summary.error().message;
}

std::span<const std::byte> prefix_of(const std::uint64_t& header_bytes) {
  return std::as_bytes(std::span(&header_bytes, 1));
}

TEST(Safetensors, TellWhatAFileHolds) {
  const auto summary = read(small, 28);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_THAT(summary->tensors, ElementsAre("a", "b"));
  EXPECT_EQ(summary->data_bytes, 28u);
}

TEST(Safetensors, RefuseAFileThatIsTooShortOrTooLong) {
  EXPECT_THAT(refusal(small, 27), HasSubstr("ends too early: 1 bytes"));
  EXPECT_THAT(refusal(small, 29), HasSubstr("1 bytes behind its last tensor"));
}

TEST(Safetensors, RefuseTensorsThatOverlapLeaveGapsOrLieAboutTheirSize) {
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[4,20]}})", 20), HasSubstr("gaps"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                      R"("b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
                      6),
              HasSubstr("overlap"));
  for (auto tensor :
       {R"({"dtype":"F32","shape":[5],"data_offsets":[0,16]})",
        R"({"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,0]})",
        R"({"dtype":"F32","shape":[-1],"data_offsets":[0,16]})",
        R"({"dtype":"F32","shape":[4.5],"data_offsets":[0,16]})", R"({"dtype":"F32","shape":4,"data_offsets":[0,16]})",
        R"({"shape":[4],"data_offsets":[0,16]})", R"({"dtype":"F32","data_offsets":[0,16]})",
        R"({"dtype":"F32","shape":[4]})", R"({"dtype":"F32","shape":[4],"data_offsets":[16,0]})",
        R"({"dtype":"F32","shape":[4],"data_offsets":[0,16,16]})",
        R"({"dtype":"F32","shape":[4],"data_offsets":[0,"16"]})", R"({"dtype":"F4","shape":[1],"data_offsets":[0,0]})",
        "7", "null"}) {
    EXPECT_THAT(refusal(std::string(R"({"a":)") + tensor + "}", 16), HasSubstr("not as large")) << tensor;
  }
}

TEST(Safetensors, PlaceButDoNotMeasureATypeThatIsNewerThanWeAre) {
  EXPECT_TRUE(read(R"({"a":{"dtype":"F2","shape":[4],"data_offsets":[0,1]}})", 1));
}

TEST(Safetensors, RefuseAHeaderThatIsNone) {
  EXPECT_THAT(refusal("PK\x03\x04", 10), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("[1]", 10), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(R"({"a":1,"a":2})", 10), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("{}", 0), HasSubstr("no tensor"));
  EXPECT_THAT(refusal(R"({"__metadata__":{}})", 0), HasSubstr("no tensor"));
}

TEST(Safetensors, SayHowMuchOfTheFileIsHeader) {
  EXPECT_EQ(safetensors_header_end(prefix_of(100), 200, "m"), 108u);
  EXPECT_FALSE(safetensors_header_end(prefix_of(100).first(7), 7, "m"));
  EXPECT_FALSE(safetensors_header_end(prefix_of(100), 107, "m"));
  for (const std::uint64_t size : {std::uint64_t{limits::safetensors_header_bytes_max} + 1, ~std::uint64_t{0}}) {
    const auto end = safetensors_header_end(prefix_of(size), ~std::uint64_t{0}, "m");
    ASSERT_FALSE(end);
    EXPECT_THAT(end.error().message, HasSubstr("no safetensors file"));
  }
}

}  // namespace
}  // namespace faelled::engines
