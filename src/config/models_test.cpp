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

TEST(Models, ReadsAFolderForVllm) {
  const auto parsed = parse(
      "vllm: bin/vllm\nmodels: [{ id: a, engine: vllm, folder: models/a, threads: 2, context_tokens: 512, "
      "chat_template_file: a.jinja, tool_parser: hermes }, { id: b, engine: vllm, folder: /m/b }]\n",
      "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  EXPECT_EQ(parsed.config.vllm, "/srv/bin/vllm");
  const Model& a = parsed.config.models[0];
  const Model& b = parsed.config.models[1];
  EXPECT_EQ(a.engine, Engine::vllm);
  EXPECT_EQ(a.folder, "/srv/models/a");
  EXPECT_EQ(a.chat_template_file, "/srv/a.jinja");
  EXPECT_EQ(a.tool_parser, "hermes");
  EXPECT_EQ(a.threads, 2u);
  EXPECT_EQ(b.concurrency, 8u);
  EXPECT_EQ(b.threads, 0u);
  EXPECT_EQ(name_of(b.engine), "vllm");
}

TEST(Models, RefusesWhatMeansNothingForVllm) {
  const auto vllm = [](const std::string& more) {
    return only_problem("vllm: x\nmodels: [{ id: a, engine: vllm, folder: f, " + more + " }]\n");
  };
  for (auto key : {"file: x", "url: \"http://h\"", "upstream_model: x", "api_key_file: x", "ca_file: x",
                   "embeddings: true", "rerank: true"}) {
    EXPECT_THAT(vllm(key), HasSubstr("means nothing for engine vllm")) << key;
  }
  EXPECT_THAT(vllm("tool_parser: \"--evil\""), HasSubstr("is no name of a parser"));
  EXPECT_THAT(only_problem("vllm: x\nmodels: [{ id: a, engine: vllm }]\n"), HasSubstr("folder is missing"));
  EXPECT_THAT(only_problem("models: [{ id: a, engine: vllm, folder: x }]\n"), HasSubstr("vllm is not set"));
  EXPECT_THAT(only_problem("models: [{ id: a, engine: openai, url: \"http://h\", folder: x }]\n"),
              HasSubstr("models[0].folder means nothing for engine openai"));
  EXPECT_THAT(only_problem("llama_server: x\nmodels: [{ id: a, engine: llama, file: f, tool_parser: x }]\n"),
              HasSubstr("means nothing for engine llama"));
}

}  // namespace
}  // namespace faelled::config
