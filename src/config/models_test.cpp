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

TEST(Models, AreForTheMembersNamedOrForEverybody) {
  const std::string openai = "engine: openai, url: \"http://h/v1\"";
  const auto parsed =
      parse("models: [{ id: a, " + openai + ", members: [aarhus, ribe] }, { id: b, " + openai + " }]\n", "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  EXPECT_EQ(parsed.config.models[0].members, (std::vector<std::string>{"aarhus", "ribe"}));
  EXPECT_TRUE(parsed.config.models[1].members.empty());
  for (const auto& [members, problem] :
       {std::pair("[]", "models[0].members is empty"), std::pair("[[a]]", "models[0].members[0] must be a member's id"),
        std::pair("aarhus", "models[0].members must be a list")})
    EXPECT_THAT(only_problem("models: [{ id: a, " + openai + ", members: " + members + " }]\n"), HasSubstr(problem));
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
  EXPECT_THAT(only_problem("models: [{ id: a, engine: openai, url: \"http://h\", copies: 2 }]\n"),
              HasSubstr("models[0].copies means nothing for engine openai"));
  EXPECT_THAT(only_problem("llama_server: x\nmodels: [{ id: a, engine: llama, file: f, tool_parser: x }]\n"),
              HasSubstr("means nothing for engine llama"));
}

TEST(Models, RefusesWhatNoEngineCouldBeStartedWith) {
  const auto llama = [](const std::string& model) {
    return only_problem("llama_server: x\nmodels: [{ engine: llama, file: f, " + model + " }]\n");
  };
  EXPECT_THAT(llama("id: \"a,b\""), HasSubstr("'a,b' has a comma in its id"));
  EXPECT_THAT(llama("id: a, concurrency: 257"), HasSubstr("models[0].concurrency"));
  EXPECT_THAT(only_problem("vllm: x\nmodels: [{ id: a, engine: vllm, folder: f, concurrency: 257 }]\n"),
              HasSubstr("models[0].concurrency"));
  EXPECT_THAT(parse("models: [{ id: \"a,b\", engine: openai, url: \"http://h\", concurrency: 257 }]\n", "/").problems,
              IsEmpty());
}

TEST(Models, ReadsHowManyEnginesAModelMayHave) {
  const auto llama = [](const std::string& more) {
    return "llama_server: x\nmodels: [{ id: a, engine: llama, file: f" + more + " }]\n";
  };
  EXPECT_EQ(parse(llama(""), "/srv").config.models[0].copies, 0U);
  EXPECT_EQ(parse(llama(", copies: 3"), "/srv").config.models[0].copies, 3U);
  for (const auto* wrong : {", copies: 0", ", copies: 65"})
    EXPECT_THAT(only_problem(llama(wrong)), HasSubstr("models[0].copies")) << wrong;
}

const std::string a_hash(64, 'a');

TEST(Models, ReadsASourceInPlaceOfAFile) {
  const auto parsed =
      parse("llama_server: x\nmodels: [{ id: a, engine: llama, source: \"https://host/x.gguf\", sha256: " + a_hash +
                " }, { id: b, engine: llama, source: \"hf:owner/repo@v1/x.gguf\" }]\n",
            "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  const Model& a = parsed.config.models[0];
  EXPECT_EQ(a.source->url, "https://host/x.gguf");
  EXPECT_EQ(crypto::hex(*a.sha256), a_hash);
  EXPECT_TRUE(a.file.empty());
  EXPECT_EQ(parsed.config.models[1].source->repository, "owner/repo");
  EXPECT_FALSE(parsed.config.models[1].sha256);
}

TEST(Models, RefusesASourceThatCannotBeMeant) {
  const auto llama = [](const std::string& more) {
    return only_problem("llama_server: x\nmodels: [{ id: a, engine: llama, " + more + " }]\n");
  };
  const std::string hash = ", sha256: " + a_hash;
  EXPECT_THAT(llama("source: \"https://host/x.gguf\""), HasSubstr("models[0].sha256 is missing"));
  EXPECT_THAT(llama("file: f, source: \"hf:o/r/x.gguf\""), HasSubstr("two answers to one question"));
  EXPECT_THAT(llama("file: f" + hash), HasSubstr("means nothing without source"));
  EXPECT_THAT(llama("source: \"hf:o/r/x.gguf\", sha256: ab"), HasSubstr("is no SHA-256"));
  EXPECT_THAT(llama("source: \"http://host/x.gguf\"" + hash), HasSubstr("is not encrypted"));
  const std::string secret = llama("source: \"https://user:hunter2@host/x.gguf\"" + hash);
  EXPECT_THAT(secret, HasSubstr("must not hold a user or password"));
  EXPECT_THAT(secret, testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(llama("source: \"hf:o/r\""), HasSubstr("names a folder"));
  for (auto key : {"source: \"hf:o/r/x.gguf\"", "sha256: a"}) {
    EXPECT_THAT(only_problem("models: [{ id: a, engine: openai, url: \"http://h\", " + std::string(key) + " }]\n"),
                HasSubstr("means nothing for engine openai"));
  }
}

TEST(Models, ReadsASourceInPlaceOfAFolder) {
  const auto parsed = parse(
      "vllm: x\nmodels: [{ id: a, engine: vllm, source: \"hf:owner/repo@v1\" }, { id: b, engine: vllm, source: "
      "\"hf:owner/repo/sub/\" }]\n",
      "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  EXPECT_TRUE(parsed.config.models[0].source->is_folder());
  EXPECT_EQ(parsed.config.models[0].source->revision, "v1");
  EXPECT_TRUE(parsed.config.models[0].folder.empty());
  EXPECT_EQ(parsed.config.models[1].source->path, "sub/");
  const auto vllm = [](const std::string& more) {
    return only_problem("vllm: x\nmodels: [{ id: a, engine: vllm, " + more + " }]\n");
  };
  EXPECT_THAT(vllm("folder: f, source: \"hf:o/r\""), HasSubstr("two answers to one question"));
  EXPECT_THAT(vllm("source: \"hf:o/r/x.gguf\""), HasSubstr("names a GGUF file"));
  EXPECT_THAT(vllm("source: \"hf:o/r/x.safetensors\""), HasSubstr("does not end with .gguf"));
  EXPECT_THAT(vllm("source: \"https://host/folder/\""), HasSubstr("does not end with .gguf"));
  EXPECT_THAT(vllm("source: \"hf:o/r\", sha256: " + a_hash), HasSubstr("means nothing for engine vllm"));
  EXPECT_THAT(vllm("folder: f, sha256: " + a_hash), HasSubstr("means nothing for engine vllm"));
}

TEST(Downloads, AreReadWithTheirDefaults) {
  EXPECT_EQ(parse("models: []\n", "/srv").config.downloads.hub, "https://huggingface.co");
  const auto parsed = parse(
      "models: []\ndownloads: { hub: \"https://mirror.example/hf/\", token_file: t, ca_file: ca.pem, offline: true, "
      "keep_free_gb: 2.5, rate_mb_s: 12 }\n",
      "/srv");
  ASSERT_THAT(parsed.problems, IsEmpty());
  const Downloads& downloads = parsed.config.downloads;
  EXPECT_EQ(downloads.hub, "https://mirror.example/hf");
  EXPECT_EQ(downloads.token_file, "/srv/t");
  EXPECT_EQ(downloads.ca_file, "/srv/ca.pem");
  EXPECT_TRUE(downloads.offline);
  EXPECT_EQ(downloads.keep_free, 2'500'000'000u);
  EXPECT_EQ(downloads.rate, 12'000'000u);
  EXPECT_THAT(only_problem("models: []\ndownloads: { hub: \"http://mirror.example\" }\n"),
              HasSubstr("is no address of a hub"));
  EXPECT_THAT(only_problem("models: []\ndownloads: { rate: 1 }\n"), HasSubstr("unknown key 'rate'"));
}

}  // namespace
}  // namespace faelled::config
