#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "config/config.hpp"

namespace faelled::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Model read(const std::string& json) {
  auto model = parse_model(json);
  if (model) return *model;
  for (const Problem& problem : model.error()) ADD_FAILURE() << problem.message;
  return {};
}

Problem only_problem(const std::string& json) {
  auto model = parse_model(json);
  if (!model && model.error().size() == 1) return model.error().front();
  ADD_FAILURE() << (model ? "nothing is wrong with " : "more than one thing is wrong with ") << json;
  return {};
}

std::string with(const std::string& members) {
  return R"({"id":"a","engine":"llama","file":"/m.gguf",)" + members + "}";
}

TEST(ParseModel, ReadsTheKeysOfAModelAndLeavesPathsAsTheyAre) {
  const Model model = read(R"({"id":"org/small:1b","name":"Lille","engine":"llama","file":"models/m.gguf",
    "members":["aarhus"],"concurrency":3,"context_tokens":2048,"threads":2,"copies":2,"chat_template_file":"/t.jinja","stop":["</s>"],
    "aliases":["standard",{"name":"titles","lane":"batch","listed":false}],"pinned":true,"demo":true,
    "card":{"da":{"summary":"Hurtig"},"en":{"summary":"Fast"}}})");
  EXPECT_EQ(model.id, "org/small:1b");
  EXPECT_EQ(model.name, "Lille");
  EXPECT_EQ(model.file, "models/m.gguf");
  EXPECT_EQ(model.chat_template_file, "/t.jinja");
  EXPECT_EQ(model.concurrency, 3U);
  EXPECT_EQ(model.context_tokens, 2048U);
  EXPECT_EQ(model.copies, 2U);
  EXPECT_THAT(model.members, ElementsAre("aarhus"));
  EXPECT_THAT(model.stop, ElementsAre("</s>"));
  ASSERT_EQ(model.aliases.size(), 2U);
  EXPECT_TRUE(model.aliases[1].batch);
  EXPECT_FALSE(model.aliases[1].listed);
  EXPECT_TRUE(model.pinned);
  EXPECT_EQ(model.card->da.summary, "Hurtig");
}

TEST(ParseModel, NamesTheKeyThatIsWrong) {
  EXPECT_EQ(only_problem(R"({"id":"a","engine":"llama"})").key, "definition.file");
  EXPECT_EQ(only_problem(R"({"engine":"llama","file":"/m"})").key, "definition.id");
  EXPECT_EQ(only_problem(with(R"("concurrency":0)")).key, "definition.concurrency");
  EXPECT_EQ(only_problem(with(R"("contextt":1)")).key, "definition.contextt");
  EXPECT_EQ(only_problem(with(R"("card":{"da":{}})")).key, "definition.card.en");
  EXPECT_EQ(only_problem(with(R"("aliases":["a"])")).key, "definition.aliases");
  EXPECT_EQ(only_problem(with(R"("url":"http://h/v1")")).key, "definition.url");
}

TEST(ParseModel, TellsAllMistakesAtOnce) {
  const auto model = parse_model(R"({"id":"a b","engine":"llama","concurrency":-1,"colour":"red"})");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().size(), 4U);
  for (const Problem& problem : model.error()) EXPECT_EQ(problem.line, 0U);
}

// What YAML would read as something else than JSON means.
TEST(ParseModel, ATextIsATextWhateverYamlWouldMakeOfIt) {
  for (const auto& [json, text] : std::initializer_list<std::pair<std::string, std::string>>{
           {R"(a\/b)", "a/b"},
           {R"(\uD83D\uDE80 tur\u00f8)", "🚀 turø"},
           {R"(tab\there)", "tab\there"},
           {R"(}, {id: b, engine: openai, url: http://h})", "}, {id: b, engine: openai, url: http://h}"},
           {R"(&anchor *anchor !!binary aGVq)", "&anchor *anchor !!binary aGVq"},
           {R"(# no comment)", "# no comment"},
           {R"(%YAML 1.2 --- ...)", "%YAML 1.2 --- ..."},
           {R"(<<)", "<<"},
           {R"(null)", "null"},
           {R"(~)", "~"},
           {R"(a: b)", "a: b"}})
    EXPECT_EQ(read(with(R"("name":")" + json + R"(")")).name, text) << json;
  EXPECT_EQ(read("{\t\"id\"\t:\"a\",\"engine\"\n:\n\"openai\",\r\n\"url\":\"http://h/v1\"}").url, "http://h/v1");
}

TEST(ParseModel, RefusesWhatIsNotOneObjectOfJson) {
  for (const char* text :
       {"", "[]", "null", "7", R"("id")", "id: a", "{id: a}", R"({"id":"a"}, {"id":"b"})", R"({"id":"a"}])",
        R"({"id":"a",})", R"({"id":"a","id":"b","engine":"llama","file":"/m"})", "&a {}", "!!map {}", "{} # more"}) {
    const auto model = parse_model(text);
    ASSERT_FALSE(model) << text;
    EXPECT_FALSE(model.error().empty()) << text;
  }
  EXPECT_THAT(only_problem(R"({"id":"a","\u0069d":"b"})").message, HasSubstr("no JSON"));
}

TEST(ParseModel, TakesNoTextForANumberNorANumberForAText) {
  EXPECT_THAT(only_problem(with(R"("concurrency":"4")")).message, HasSubstr("definition.concurrency must be a number"));
  EXPECT_THAT(only_problem(with(R"("pinned":"true")")).message, HasSubstr("definition.pinned must be true or false"));
  EXPECT_THAT(only_problem(with(R"("name":7)")).message, HasSubstr("definition.name must be a string"));
  EXPECT_EQ(only_problem(with(R"("concurrency":1.5)")).key, "definition.concurrency");
  EXPECT_EQ(only_problem(with(R"("concurrency":1e2)")).key, "definition.concurrency");
  EXPECT_EQ(only_problem(with(R"("context_tokens":99999999999999999999)")).key.empty(), true) << "no number for us";
}

TEST(ParseModel, RefusesWhatIsTooLong) {
  const std::string text = with(R"("name":")" + std::string(limits::definition_bytes_max, 'n') + R"(")");
  EXPECT_THAT(only_problem(text).message, HasSubstr("bytes long"));
}

}  // namespace
}  // namespace faelled::config
