#include "openai/schema_bounds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "json/document.hpp"

namespace faelled::openai {
namespace {

using testing::HasSubstr;

// "" where an engine may have the schema; else where and what.
std::string fault(const std::string& schema) {
  json::Document document;
  const auto root = document.parse(schema);
  EXPECT_TRUE(root) << schema;
  const auto fault = SchemaBounds(*root, "s").check();
  return fault ? fault->path + ": " + fault->what : "";
}
std::string left_out(const std::string& schema) {
  json::Document document;
  SchemaBounds bounds(*document.parse(schema), "s");
  EXPECT_FALSE(bounds.check()) << schema;
  return bounds.unenforced() ? bounds.unenforced()->path : "";
}
std::string nested(const std::string& open, const std::string& close, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += open;
  out += R"({"type":"string"})";
  for (std::size_t i = 0; i < times; ++i) out += close;
  return out;
}

TEST(SchemaBounds, let_an_ordinary_schema_pass) {
  const char* ordinary =
      R"({"$schema":"https://json-schema.org/draft/2020-12/schema","title":"T","type":"object","required":["a"],)"
      R"("additionalProperties":false,"properties":{"a":{"type":["string","null"],"enum":["x",null]},)"
      R"("b":{"type":"array","items":{"$ref":"#/$defs/n"},"minItems":1,"maxItems":9},"c":{"const":7},)"
      R"("d":{"type":"string","pattern":"^[a-z]{2,8}(?:-[0-9]+)?$"},"e":{"type":"integer","minimum":-5,"maximum":5}},)"
      R"("$defs":{"n":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}}}}})";
  EXPECT_EQ(fault(ordinary), "");
  EXPECT_EQ(left_out(ordinary), "");
  EXPECT_EQ(fault("{}"), "");
}

TEST(SchemaBounds, fetch_nothing) {
  EXPECT_THAT(fault(R"({"$ref":"http://169.254.169.254/x"})"), HasSubstr("nothing is fetched"));
  EXPECT_THAT(fault(R"({"properties":{"a":{"$ref":"file:///etc/passwd"}}})"), HasSubstr("nothing is fetched"));
  EXPECT_THAT(fault(R"({"not":{"items":[{"$ref":"other.json#/a"}]}})"), HasSubstr("nothing is fetched"));
}

TEST(SchemaBounds, refuse_references_that_lead_nowhere_or_in_circles) {
  EXPECT_THAT(fault(R"({"$ref":"#/$defs/a"})"), HasSubstr("points at nothing"));
  EXPECT_THAT(fault(R"({"$ref":7})"), HasSubstr("must be a string"));
  // Would be followed for ever by an engine that adds up the parts of an allOf.
  EXPECT_THAT(fault(R"({"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"$ref":"#/$defs/a"}}})"),
              HasSubstr("another $ref"));
  EXPECT_THAT(fault(R"({"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}}})"),
              HasSubstr("too many ways"));
  EXPECT_EQ(fault(R"({"items":[{"$ref":"#/prefixItems/1"}],"prefixItems":[{},{"type":"null"}]})"), "");
}

TEST(SchemaBounds, hold_depth_and_number) {
  EXPECT_EQ(fault(nested(R"({"items":)", "}", limits::schema_depth_max - 1)), "");
  EXPECT_THAT(fault(nested(R"({"items":)", "}", limits::schema_depth_max)), HasSubstr("deep"));
  std::string wide = R"({"properties":{"p":{})";
  for (std::size_t i = 0; i < limits::schema_properties_max; ++i) wide += ",\"p" + std::to_string(i) + "\":{}";
  EXPECT_THAT(fault(wide + "}}"), HasSubstr("properties"));
  std::string many = R"({"anyOf":[{})";
  for (std::size_t i = 0; i < limits::schema_nodes_max; ++i) many += ",{}";
  EXPECT_THAT(fault(many + "]}"), HasSubstr("2000 schemas"));
  std::string values = R"({"enum":[0)";
  for (std::size_t i = 0; i < limits::schema_enum_values_max; ++i) values += "," + std::to_string(i);
  EXPECT_THAT(fault(values + "]}"), HasSubstr("1000 values"));
  EXPECT_THAT(fault(R"({"description":")" + std::string(limits::schema_bytes_max, 'x') + "\"}"), HasSubstr("bytes"));
}

TEST(SchemaBounds, count_what_an_engine_would_multiply) {
  // A copy per type, in copies per type: 7^5.
  EXPECT_THAT(fault(nested(R"({"type":["a","b","c","d","e","f","g"],"items":)", "}", 5)), HasSubstr("once per type"));
  // Twice as many ways with each step.
  std::string ways = R"({"$ref":"#/$defs/a0","$defs":{"a14":{"type":"null"})";
  for (int i = 0; i < 14; ++i) {
    const std::string next = R"({"$ref":"#/$defs/a)" + std::to_string(i + 1) + "\"}";
    ways += ",\"a" + std::to_string(i) + R"(":{"anyOf":[)" + next + "," + next + "]}";
  }
  EXPECT_THAT(fault(ways + "}}"), HasSubstr("too many ways"));
}

// Each way through a union looks at its members again: five thousand times thousands was seconds of everybody's time.
TEST(SchemaBounds, follow_no_union_through_thousands_of_keywords) {
  std::string target = "{\"a\":0", ways;
  for (std::size_t i = 0; i < limits::schema_properties_max; ++i) target += ",\"\\na" + std::to_string(i) + "\":0";
  for (int i = 0; i < 1000; ++i) ways += std::string(i > 0 ? "," : "") + R"({"$ref":"#/x"})";
  EXPECT_THAT(fault(R"({"x":)" + target + R"(},"anyOf":[)" + ways + "]}"), HasSubstr("200 keywords"));
  EXPECT_EQ(fault(R"({"x":{"a":0},"anyOf":[)" + ways + "]}"), "");
}

TEST(SchemaBounds, hold_patterns_repetitions_and_numbers) {
  EXPECT_THAT(fault(R"({"pattern":")" + std::string(limits::schema_pattern_bytes_max, 'a') + "\"}"),
              HasSubstr("bytes"));
  EXPECT_THAT(fault(R"({"pattern":"^a{1,3000}$"})"), HasSubstr("repeat"));
  EXPECT_EQ(fault(R"({"pattern":"^2025{1,2}$"})"), "");
  EXPECT_THAT(fault(R"({"pattern":7})"), HasSubstr("string"));
  for (const char* count : {"-1", "2001", "1.5", "\"2\""})
    EXPECT_THAT(fault(R"({"maxLength":)" + std::string(count) + "}"), HasSubstr("whole number")) << count;
  EXPECT_THAT(fault(R"({"minimum":1e300})"), HasSubstr("2^53"));
}

TEST(SchemaBounds, want_the_forms_that_keywords_have) {
  for (const char* schema :
       {R"({"type":7})", R"({"type":[]})", R"({"type":[1]})", R"({"properties":[]})", R"({"anyOf":{}})",
        R"({"items":7})", R"({"enum":{}})", R"({"enum":[]})", R"({"properties":{"a":7}})"})
    EXPECT_NE(fault(schema), "") << schema;
  EXPECT_THAT(fault("7"), HasSubstr("must be an object"));
}

TEST(SchemaBounds, say_what_llama_server_would_not_enforce) {
  EXPECT_EQ(left_out(R"({"properties":{"a":{"type":"array","uniqueItems":true}}})"), "s.properties[0]");
  EXPECT_EQ(left_out(R"({"not":{}})"), "s.not");
  EXPECT_EQ(left_out(R"({"type":"number","minimum":0})"), "s.minimum");
  EXPECT_EQ(left_out(R"({"type":"integer","minimum":0})"), "");
  EXPECT_EQ(left_out(R"({"anyOf":[{}],"properties":{}})"), "s.properties");
  for (const char* pattern : {"a+", "^a(?=b)$", "^\\\\d$", "^a$|^b$", "^a$b$"})
    EXPECT_EQ(left_out(R"({"pattern":")" + std::string(pattern) + "\"}"), "s.pattern") << pattern;
  for (const char* pattern : {"^[^a-z]+$", "^a\\\\.b$", "^(?:a|b){2}$"})
    EXPECT_EQ(left_out(R"({"pattern":")" + std::string(pattern) + "\"}"), "") << pattern;
}

}  // namespace
}  // namespace faelled::openai
