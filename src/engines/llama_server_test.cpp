// The command line as a value. What the real engine makes of it is tested in node/llama_server_real_test.cpp.
#include "engines/llama_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/limits.hpp"

namespace faelled::engines {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

ModelSettings model() {
  ModelSettings m;
  m.id = "small";
  m.file = "/models/small.gguf";
  m.llama_server = "/usr/bin/llama-server";
  m.places = 3;
  m.context_tokens = 1000;
  return m;
}

GgufSummary file() { return {.version = 3, .architecture = "llama", .context_tokens = 8192}; }

std::string value_of(const Command& command, std::string_view flag) {
  auto at = std::ranges::find(command.arguments, flag);
  return at == command.arguments.end() || at + 1 == command.arguments.end() ? "(missing)" : *(at + 1);
}

TEST(LlamaServerCommand, GivesEachPlaceItsPromisedContext) {
  auto command = llama_server_command(model(), file(), "/run/e1.sock");
  ASSERT_TRUE(command);
  EXPECT_EQ(value_of(*command, "--parallel"), "3");
  EXPECT_EQ(value_of(*command, "--ctx-size"), "3072");  // 1000 rounded up to 1024, three times
  EXPECT_THAT(command->arguments, Contains("--no-kv-unified"));
}

TEST(LlamaServerCommand, TakesEachAdapterInItsOrder) {
  auto plain = llama_server_command(model(), file(), "/run/e1.sock");
  ASSERT_TRUE(plain);
  EXPECT_THAT(plain->arguments, Not(Contains(StartsWith("--lora"))));
  ModelSettings with = model();
  with.adapters = {{"b", "/b.gguf"}, {"a", "/a.gguf"}};
  auto command = llama_server_command(with, file(), "/run/e1.sock");
  ASSERT_TRUE(command);
  std::vector<std::string> adapters;
  for (std::size_t i = 0; i + 1 < command->arguments.size(); ++i)
    if (command->arguments[i] == "--lora") adapters.push_back(command->arguments[i + 1]);
  EXPECT_EQ(adapters, (std::vector<std::string>{"/b.gguf", "/a.gguf"}));
  EXPECT_THAT(command->arguments, Contains("--lora-init-without-apply"));
}

TEST(LlamaServerCommand, KeepsMembersApart) {
  auto command = llama_server_command(model(), file(), "/run/e1.sock");
  ASSERT_TRUE(command);
  EXPECT_EQ(value_of(*command, "--cache-ram"), "0");
  EXPECT_EQ(value_of(*command, "--slot-prompt-similarity"), "0");
  EXPECT_THAT(command->arguments, IsSupersetOf({"--no-cache-idle-slots", "--offline"}));
  for (auto forbidden : {"--tools", "--agent", "--mcp-servers-config", "--mcp-servers-json", "--slot-save-path",
                         "--log-prompts-dir", "--props", "--chat-template"}) {
    EXPECT_THAT(command->arguments, Not(Contains(forbidden)));
  }
}

TEST(LlamaServerCommand, PassesOnNoVariableThatTheEngineReads) {
  auto command = llama_server_command(model(), file(), "/run/e1.sock",
                                      {"LLAMA_ARG_TOOLS=all", "LLAMA_SERVER_SLOTS_DEBUG=1", "HF_TOKEN=x",
                                       "AIP_MODE=PREDICTION", "CUDA_VISIBLE_DEVICES=1", "FAELLED_SECRET=x"});
  ASSERT_TRUE(command);
  EXPECT_THAT(command->environment, Contains("CUDA_VISIBLE_DEVICES=1"));
  for (auto prefix : {"LLAMA_", "HF_", "AIP_", "FAELLED_"}) {
    EXPECT_THAT(command->environment, Not(Contains(StartsWith(prefix))));
  }
}

TEST(LlamaServerCommand, NamesATemplateByItsFile) {
  auto m = model();
  m.chat_template_file = "/share/chat.jinja";
  auto command = llama_server_command(m, file(), "/run/e1.sock");
  ASSERT_TRUE(command);
  EXPECT_EQ(value_of(*command, "--chat-template-file"), "/share/chat.jinja");
  EXPECT_THAT(command->arguments, Contains("--jinja"));
}

TEST(LlamaServerCommand, AnEmbeddingModelTakesAWholeInputInOneBatch) {
  auto m = model();
  m.embeddings = true;
  auto command = llama_server_command(m, file(), "/run/e1.sock");
  ASSERT_TRUE(command);
  EXPECT_THAT(command->arguments, Contains("--embeddings"));
  EXPECT_EQ(value_of(*command, "--ubatch-size"), "1024");
  EXPECT_EQ(value_of(*command, "--pooling"), "mean");
}

TEST(LlamaServerCommand, RefusesToPromiseMoreThanTheModelHas) {
  auto m = model();
  m.context_tokens = 10'000;
  auto command = llama_server_command(m, file(), "/run/e1.sock");
  ASSERT_FALSE(command);
  EXPECT_THAT(command.error().hint, HasSubstr("8192"));
}

TEST(LlamaServerCommand, TakesTheFilesContextUpToADefault) {
  auto m = model();
  m.context_tokens = 0;
  EXPECT_EQ(context_tokens_per_place(m, file()), limits::context_tokens_default);
  EXPECT_EQ(context_tokens_per_place(m, {.context_tokens = 512}), 512u);
}

TEST(LlamaServerCommand, RefusesASocketPathThatTheKernelCannotHold) {
  EXPECT_FALSE(llama_server_command(model(), file(), "/" + std::string(120, 'x') + ".sock"));
  EXPECT_FALSE(llama_server_command(model(), file(), "/run/e1.socket"));
}

TEST(LlamaServerCommand, RanksDocuments) {
  ModelSettings model;
  model.id = "ranks";
  model.places = 1;
  model.rerank = true;
  const auto command = llama_server_command(model, GgufSummary{}, "/tmp/a.sock");
  ASSERT_TRUE(command) << command.error().message;
  const auto& words = command->arguments;
  EXPECT_NE(std::ranges::find(words, "--reranking"), words.end());
  EXPECT_NE(std::ranges::find(words, "rank"), words.end());
  EXPECT_EQ(std::ranges::find(words, "--jinja"), words.end());
}

TEST(TemplateKnowsTools, WhereItDescribesThemAndHasWordsForCalls) {
  const auto caps = [](const char* describes, const char* calls) {
    return template_knows_tools(std::string(R"({"chat_template":"{{ x }}","chat_template_caps":{"supports_tools":)") +
                                describes + R"(,"supports_tool_calls":)" + calls + "}}");
  };
  EXPECT_EQ(caps("true", "true"), true);
  EXPECT_EQ(caps("true", "false"), false);
  EXPECT_EQ(caps("false", "true"), false);
  EXPECT_EQ(template_knows_tools("{}"), std::nullopt);
  EXPECT_EQ(template_knows_tools("<html>"), std::nullopt);
}

}  // namespace
}  // namespace faelled::engines
