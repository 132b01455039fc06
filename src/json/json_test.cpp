#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "base/random.hpp"
#include "json/document.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"

namespace faelled::json {
namespace {

using testing::HasSubstr;

std::string refusal_of(std::string_view text) {
  Document document;
  const auto root = document.parse(text);
  return root ? "accepted" : root.error().message;
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Document, raw_slices_are_the_bytes_of_the_source) {
  const std::string text =
      R"( { "a" : [1, {"x":"]}"}] , "b\n":"q\"uote" ,"c": -1.5e3  , "d":true,"e":null , "f":{} } )";
  Document document;
  const Value root = *document.parse(text);
  EXPECT_EQ(root.raw(), text.substr(1, text.size() - 2));
  EXPECT_EQ(root.find("a")->raw(), R"([1, {"x":"]}"}])");
  EXPECT_EQ(root.find("b\n")->raw(), R"("q\"uote")");
  EXPECT_EQ(root.find("b\n")->text(), "q\"uote");
  EXPECT_EQ(root.find("c")->raw(), "-1.5e3");
  EXPECT_EQ(root.find("c")->integer(), -1500);
  EXPECT_EQ(root.find("d")->boolean(), true);
  EXPECT_TRUE(root.find("e")->is_null());
  EXPECT_TRUE(root.find("f")->is_empty());
  EXPECT_FALSE(root.find("g"));
  EXPECT_EQ(root.count(), 6u);
  EXPECT_EQ(root.find("a")->count(), 2u);
}

TEST(Document, reads_scalars_at_the_root) {
  Document document;
  EXPECT_EQ(document.parse(" 7 ")->integer(), 7);
  EXPECT_EQ(document.parse("\"x\"")->text(), "x");
  EXPECT_TRUE(document.parse("null")->is_null());
}

TEST(Document, unescapes_everything_json_can_escape) {
  Document document;
  EXPECT_EQ(document.parse(R"("\"\\\/\b\f\n\r\t\u00e5\u20ac\ud83d\ude00")")->text(),
            "\"\\/\b\f\n\r\t\u00e5\u20ac\U0001F600");
}

TEST(Document, refuses_what_is_not_json) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "[1,]",
                           "{\"a\":1,}",
                           "tru",
                           "01",
                           "1.",
                           "+1",
                           "'a'",
                           "{\"a\":1} x",
                           "{\"a\":1}{}",
                           "[1 2]",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "nul",
                           "{a:1}",
                           "\xEF\xBB\xBF{}",
                           "\"\x01\"",
                           "// c\n{}",
                           "NaN",
                           "1e999",
                           "123456789012345678901234567890"}) {
    EXPECT_NE(refusal_of(text), "accepted") << text;
  }
  EXPECT_NE(refusal_of(std::string_view("{}\0", 3)), "accepted");
  EXPECT_NE(refusal_of(std::string_view("\"a\0b\"", 5)), "accepted");
}

TEST(Document, refuses_what_is_not_utf8) {
  EXPECT_THAT(refusal_of("\"\xC3\x28\""), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal_of("\"\xED\xA0\x80\""), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal_of("\"\xF4\x90\x80\x80\""), HasSubstr("UTF-8"));
}

TEST(Document, refuses_half_of_a_surrogate_pair) {
  for (const char* text : {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\n")", R"("\ud83d\ud83d")",
                           R"({"a":"\uDE00\uD83D"})", R"({"\udfff":1})", R"("\ud83d\u0041")"}) {
    EXPECT_NE(refusal_of(text), "accepted") << text;
  }
  EXPECT_EQ(refusal_of(R"("\\ud83d")"), "accepted");
}

TEST(Document, bounds_the_depth) {
  EXPECT_EQ(refusal_of(nested(limits::json_depth_max - 1)), "accepted");
  EXPECT_THAT(refusal_of(nested(limits::json_depth_max + 1)), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal_of(nested(100'000)), HasSubstr("nested deeper"));
  EXPECT_NE(refusal_of(std::string(1'000'000, '[')), "accepted");
}

TEST(Document, refuses_two_members_of_one_name_in_any_object) {
  for (const char* text :
       {R"({"a":1,"a":2})", R"({"a":1,"\u0061":2})", R"({"x":{"a":1,"b":{},"a":2}})", R"([[{"a":1,"a":1}]])",
        R"({"":1,"":2})", R"({"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"\u0061":1})"}) {
    EXPECT_THAT(refusal_of(text), HasSubstr("same name")) << text;
  }
  EXPECT_EQ(refusal_of(R"({"a":{"a":{"a":1}},"A":1,"aa":2})"), "accepted");
}

TEST(Document, is_reused_after_errors_and_after_large_texts) {
  Document document;
  std::string large = "[";
  for (int i = 0; i < 200'000; ++i) large += "{\"a\":1},";
  large += "0]";
  for (int round = 0; round < 3; ++round) {
    EXPECT_FALSE(document.parse("{\"a\":[}"));
    EXPECT_EQ(document.parse(large)->count(), 200'001u);
    EXPECT_EQ(document.parse("{\"a\":5}")->find("a")->integer(), 5);
  }
}

TEST(Value, is_a_text_however_that_is_escaped) {
  Document document;
  const Value text = *document.parse(R"("\u0061\n\u00e6\ud83d\ude00")");
  EXPECT_TRUE(text.text_is("a\n\xC3\xA6\xF0\x9F\x98\x80"));
  for (const char* other : {"", "a", "a\n", "a\n\xC3\xA6\xF0\x9F\x98\x81", R"(\u0061\n\u00e6\ud83d\ude00)"})
    EXPECT_FALSE(text.text_is(other)) << other;
  EXPECT_TRUE(document.parse(R"("")")->text_is(""));
  EXPECT_TRUE(document.parse(R"("\u0061\u0061")")->text_is("aa")) << "six bytes for each";
  EXPECT_FALSE(document.parse(R"("\u0061\u0061\u0061")")->text_is("aa"));
}

TEST(Value, integers_are_whole_and_fit) {
  Document document;
  EXPECT_EQ(document.parse("-9223372036854775808")->integer(), INT64_MIN);
  EXPECT_EQ(document.parse("3.0")->integer(), 3);
  EXPECT_EQ(document.parse("3.5")->integer(), std::nullopt);
  EXPECT_EQ(document.parse("18446744073709551615")->integer(), std::nullopt);
  EXPECT_EQ(document.parse("1e300")->integer(), std::nullopt);
  EXPECT_EQ(document.parse("\"3\"")->integer(), std::nullopt);
  EXPECT_EQ(document.parse("1e-400")->number(), 0.0);
}

TEST(Writer, puts_commas_where_they_belong) {
  std::string out;
  Writer(out)
      .object()
      .member("a", 1)
      .member("b", "x")
      .key("c")
      .array()
      .integer(1)
      .object()
      .close_object()
      .text("y")
      .close_array()
      .key("d")
      .object()
      .close_object()
      .member("e", true)
      .member("f", nullptr)
      .member("g", 2.5)
      .member_or_null("h", "")
      .member_raw("i", "[ ]")
      .close_object();
  EXPECT_EQ(out, R"({"a":1,"b":"x","c":[1,{},"y"],"d":{},"e":true,"f":null,"g":2.5,"h":null,"i":[ ]})");
}

TEST(Writer, goes_on_where_another_stopped) {
  std::string out = R"({"a":1)";
  Writer::continuing(out).member("b", 2).close_object();
  EXPECT_EQ(out, R"({"a":1,"b":2})");
}

TEST(Writer, writes_nothing_that_json_forbids) {
  std::string out;
  Writer(out).array().text("\"\\\n\r\t\x01\x7f\u00e5\xff\xC3").number(NAN).number(INFINITY).close_array();
  EXPECT_EQ(out, "[\"\\\"\\\\\\n\\r\\t\\u0001\\u007f\u00e5\xEF\xBF\xBD\xEF\xBF\xBD\",null,null]");
}

TEST(Writer, what_it_writes_reads_back_the_same) {
  SeededRandom random(7);
  Document document;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (auto n = random.below(40); n > 0; --n) text += static_cast<char>(random.below(128));
    std::string out;
    append_text(out, text);
    ASSERT_EQ(document.parse(out)->text(), text);
    for (auto& c : text) c = static_cast<char>(random.below(256));
    out.clear();
    append_text(out, text);
    ASSERT_TRUE(document.parse(out)) << out;
  }
}

TEST(Fields, errors_name_the_path) {
  Document document;
  auto fields = *Fields::of(*document.parse(R"({"a":{"n":"x","k":5},"b":null,"typo":1})"));
  auto a = *fields.object("a");
  EXPECT_EQ(a.integer("n", 0, 9).error().message, "a.n must be a whole number, not a string.");
  EXPECT_EQ(a.integer("k", 0, 4).error().message, "a.k must be from 0 to 4.");
  EXPECT_EQ(a.text("m").error().message, "a.m is missing.");
  EXPECT_TRUE(a.finish());
  EXPECT_EQ(fields.maybe_text("b")->has_value(), false);
  EXPECT_EQ(fields.finish().error().message, "typo is not known here.");
  EXPECT_EQ(Fields::of(*document.parse("[]")).error().message, "The body must be an object, not an array.");
}

TEST(Fields, reads_an_object_from_text_to_text) {
  Document document;
  auto fields = *Fields::of(*document.parse(R"({"a":{"x":"1","y":""},"b":null,"c":{"x":1},"d":[]})"));
  EXPECT_EQ(*fields.maybe_texts("a"), (std::map<std::string, std::string>{{"x", "1"}, {"y", ""}}));
  EXPECT_EQ(*fields.maybe_texts("b"), std::nullopt);
  EXPECT_EQ(*fields.maybe_texts("none"), std::nullopt);
  EXPECT_EQ(fields.maybe_texts("c").error().message, "c leads from text to text");
  EXPECT_EQ(fields.maybe_texts("d").error().message, "d must be an object, not an array.");
  EXPECT_TRUE(fields.finish());
}

}  // namespace
}  // namespace faelled::json
