#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.hpp"

namespace faelled::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string only_problem(std::string_view text) {
  const auto parsed = parse(text, "/srv");
  EXPECT_EQ(parsed.problems.size(), 1u) << text;
  return parsed.problems.empty() ? "" : parsed.problems[0].message;
}

const std::string llama = "models: [{ id: m, engine: llama, file: m.gguf, ";
const std::string vllm = "models: [{ id: m, engine: vllm, folder: m, ";

TEST(Adapters, AreReadWithTheirModel) {
  const auto parsed = parse(llama +
                                "adapters: [{ name: law, file: law.gguf, members: [aarhus], aliases: [jura] }, "
                                "{ name: tax, file: /tax.gguf }] }]\nllama_server: x\n",
                            "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  const auto& adapters = parsed.config.models[0].adapters;
  ASSERT_EQ(adapters.size(), 2u);
  EXPECT_EQ(adapters[0].name, "law");
  EXPECT_EQ(adapters[0].path, "/srv/law.gguf");
  EXPECT_EQ(adapters[0].members, std::vector<std::string>{"aarhus"});
  EXPECT_EQ(adapters[0].aliases[0].name, "jura");
  EXPECT_TRUE(adapters[1].members.empty());
  const auto folders = parse(vllm +
                                 "adapters: [{ name: law, folder: law }], adapters_max: 2, adapters_rank: 64, "
                                 "adapters_folder: lora }]\nvllm: x\n",
                             "/srv");
  ASSERT_THAT(folders.problems, IsEmpty());
  EXPECT_EQ(folders.config.models[0].adapters[0].path, "/srv/law");
  EXPECT_EQ(folders.config.models[0].adapters_folder, "/srv/lora");
  EXPECT_EQ(folders.config.models[0].adapters_rank, 64u);
}

TEST(Adapters, ForMembersWhomTheirModelIsNotForAreWarnedOf) {
  const auto parsed = parse(llama +
                                "members: [aarhus, ribe], adapters: [{ name: law, file: a.gguf, members: [ribe] }, "
                                "{ name: tax, file: b.gguf, members: [aarhus, odense] }, { name: all, file: c.gguf }] "
                                "}]\nllama_server: x\n",
                            "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  ASSERT_EQ(parsed.config.warnings.size(), 1u);
  EXPECT_EQ(parsed.config.warnings[0].message, "adapter 'm:tax' is for the member 'odense', and its model is not");
}

TEST(Adapters, ThatCannotBeAreRefused) {
  const std::string end = "] }]\nllama_server: x\nvllm: x\n";
  for (const auto& [adapters, problem] : std::initializer_list<std::pair<std::string, std::string>>{
           {"{ name: 'a:b', file: x }", "adapters[0].name 'a:b' is no name of an adapter"},
           {"{ name: 'a,b', file: x }", "is no name of an adapter"},
           {"{ name: " + std::string(199, 'a') + ", file: x }", "model and adapter have a name of 201 bytes together"},
           {"{ name: a }", "adapters[0].file is missing"},
           {"{ file: x }", "adapters[0].name is missing"},
           {"{ name: a, file: 'x,y' }", "adapters[0].file holds a comma"},
           {"{ name: a, file: x, folder: y }", "adapters[0].folder means nothing"},
           {"{ name: a, file: x, members: [] }", "adapters[0].members is empty"},
           {"{ name: a, file: x }, { name: a, file: y }", "adapter 'a' of model 'm' stands twice"},
           {"{ name: a, file: x, aliases: [m] }", "alias 'm' of model 'm' means another one already"},
           {"{ name: a, file: x, aliases: ['m:a'] }", "alias 'm:a' of model 'm' means another one already"}})
    EXPECT_THAT(only_problem(llama + "adapters: [" + adapters + end), HasSubstr(problem)) << adapters;
  EXPECT_THAT(only_problem(vllm + "adapters: [{ name: a, folder: x, file: y }" + end), HasSubstr("file means nothing"));
  EXPECT_THAT(only_problem(llama + "adapters_folder: x }]\nllama_server: x\n"),
              HasSubstr("adapters_folder means nothing for engine llama"));
  EXPECT_THAT(only_problem(llama + "embeddings: true, adapters: [" + end),
              HasSubstr("adapters means nothing for a model of vectors or rankings"));
  EXPECT_THAT(only_problem("models: [{ id: 'm:a', engine: llama, file: m.gguf }, { id: m, engine: llama, file: m.gguf, "
                           "adapters: [{ name: a, file: x }" +
                           end),
              HasSubstr("adapter 'm:a' has the name of a model"));
}

}  // namespace
}  // namespace faelled::config
