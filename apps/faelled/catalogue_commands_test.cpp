#include "command_line_testing.hpp"

namespace faelled::app {
namespace {

class CatalogueCommands : public CommandLine {
 protected:
  void SetUp() override { serve(); }
  std::string definition() { return text_at(faelled("model show small --json").out, "definition"); }
};

TEST_F(CatalogueCommands, AddAModelWithPathsFromTheRootOn) {
  const Said added = faelled("model add small --file m.gguf --name \"Den lille\" --concurrency 3 --alias a --alias b");
  EXPECT_EQ(added.status, 0) << added.err;
  EXPECT_EQ(added.out,
            "id: small\nversion: 1\nfits: yes\nneeds: 400 MB (weights 300 MB, conversations 40 MB, working memory 60 "
            "MB)\nmemory for models: 1 GB\n");
  EXPECT_EQ(definition(), R"({"aliases":["a","b"],"concurrency":3,"engine":"llama","file":")" +
                              std::filesystem::absolute("m.gguf").string() + R"(","id":"small","name":"Den lille"})");
  EXPECT_EQ(text_at(faelled("model show m --json").out, "origin"), "file");
}

TEST_F(CatalogueCommands, TakeTextsAsTheyStand) {
  EXPECT_EQ(
      faelled("model add small --file /m.gguf --stop \"[/INST]\" --stop \"[a,b]\" --stop \"{}\" --alias a,b").status,
      0);
  EXPECT_EQ(definition(),
            R"({"aliases":["a,b"],"engine":"llama","file":"/m.gguf","id":"small","stop":["[/INST]","[a,b]","{}"]})");
  EXPECT_EQ(faelled("model change --stop \"[x]\" small").status, 0) << "an option takes one text, not what follows it";
  EXPECT_TRUE(definition().contains(R"("stop":["[x]"])")) << definition();
}

TEST_F(CatalogueCommands, TakeNumbersAsPeopleWriteThem) {
  EXPECT_EQ(faelled("model add small --file /m.gguf --threads 010").status, 0);
  EXPECT_TRUE(definition().contains(R"("threads":10)")) << definition();
  for (const char* wrong : {"-1", "4294967296", "99999999999999999999999", "0x10", "1.5", "\"\""})
    EXPECT_NE(faelled(std::string("model change small --threads=") + wrong).status, 0) << wrong;
  EXPECT_TRUE(definition().contains(R"("threads":10)")) << definition();
}

TEST_F(CatalogueCommands, ADryRunAddsNothing) {
  EXPECT_TRUE(faelled("model add small --file m.gguf --dry-run").out.starts_with("id: small\nversion: -\nfits: yes\n"));
  EXPECT_EQ(faelled("model show small").status, 1);
}

TEST_F(CatalogueCommands, ChangeWhatIsNamedAndNothingElse) {
  (void)faelled("model add small --file /m.gguf --name Old --pinned --context-tokens 512");
  EXPECT_EQ(faelled("model change small --name New --no-pinned --threads 2").status, 0);
  EXPECT_EQ(definition(),
            R"({"context_tokens":512,"engine":"llama","file":"/m.gguf","id":"small","name":"New","threads":2})");
  EXPECT_TRUE(faelled("model show small").out.starts_with("id: small\nversion: 2\norigin: added\ndefinition: {"));
  EXPECT_EQ(faelled("model change small --name none --alias a --alias b").status, 0);
  EXPECT_EQ(definition(),
            R"({"aliases":["a","b"],"context_tokens":512,"engine":"llama","file":"/m.gguf","id":"small","threads":2})");
  EXPECT_EQ(faelled("model change small --alias none --threads 3").status, 0);
  EXPECT_EQ(definition(), R"({"context_tokens":512,"engine":"llama","file":"/m.gguf","id":"small","threads":3})");
  EXPECT_TRUE(faelled("model change m --name X").err.contains("configuration file"));
  EXPECT_TRUE(faelled("model change nope --name X").err.contains("no model 'nope'"));
}

TEST_F(CatalogueCommands, SayWhomAModelIsFor) {
  for (const char* member : {"aarhus", "ribe"})
    ASSERT_EQ(faelled(std::string("member add ") + member).status, 0) << member;
  EXPECT_EQ(faelled("model add small --file /m.gguf --member aarhus --member ribe").status, 0);
  EXPECT_EQ(definition(), R"({"engine":"llama","file":"/m.gguf","id":"small","members":["aarhus","ribe"]})");
  EXPECT_EQ(faelled("model change small --member ribe").status, 0);
  EXPECT_EQ(definition(), R"({"engine":"llama","file":"/m.gguf","id":"small","members":["ribe"]})");
  const Said typo = faelled("model change small --member rieb");
  EXPECT_EQ(typo.status, 1);
  EXPECT_TRUE(typo.err.contains("the model is for the member 'rieb', and there is none")) << typo.err;
  EXPECT_EQ(faelled("model change small --member none").status, 0);
  EXPECT_EQ(definition(), R"({"engine":"llama","file":"/m.gguf","id":"small"})");
}

TEST_F(CatalogueCommands, ChangeNoFlagThatIsNotNamed) {
  (void)faelled("model add small --file /m.gguf --pinned --embeddings");
  EXPECT_EQ(faelled("model change small --name New").status, 0);
  EXPECT_EQ(definition(),
            R"({"embeddings":true,"engine":"llama","file":"/m.gguf","id":"small","name":"New","pinned":true})");
}

TEST_F(CatalogueCommands, TakeADeviceThatThereIsAndTakeItAway) {
  EXPECT_TRUE(faelled("model add --help").out.contains("--device TEXT:{host,gpu} "));
  EXPECT_TRUE(faelled("model add small --file /m.gguf --device gpux").err.contains("gpux not in {host,gpu}"));
  EXPECT_EQ(faelled("model add small --file /m.gguf --device gpu").status, 0);
  EXPECT_EQ(definition(), R"({"device":"gpu","engine":"llama","file":"/m.gguf","id":"small"})");
  EXPECT_EQ(faelled("model change small --device none").status, 0);
  EXPECT_EQ(definition(), R"({"engine":"llama","file":"/m.gguf","id":"small"})");
}

TEST_F(CatalogueCommands, TakeAWholeDefinitionFromAFile) {
  const std::string path = (folder_ / "d.json").string();
  std::ofstream(path) << R"({"engine":"openai","url":"http://h/v1","card":{"da":{},"en":{}}})";
  EXPECT_EQ(faelled("model add small --name N --definition " + path).status, 0);
  EXPECT_EQ(definition(),
            R"({"card":{"da":{},"en":{}},"engine":"openai","id":"small","name":"N","url":"http://h/v1"})");
  std::ofstream(path) << "engine: openai";
  EXPECT_EQ(faelled("model add other --definition " + path).status, 1);
  EXPECT_TRUE(faelled("model add other --definition /nowhere.json").err.contains("cannot be read"));
}

TEST_F(CatalogueCommands, AnAddressMakesItAModelOfAnotherServer) {
  (void)faelled("model add small --url http://h/v1 --upstream-model big --api-key-file key");
  EXPECT_EQ(definition(), R"({"api_key_file":")" + std::filesystem::absolute("key").string() +
                              R"(","engine":"openai","id":"small","upstream_model":"big","url":"http://h/v1"})");
}

TEST_F(CatalogueCommands, RemoveAModelAndTellTheServersRefusal) {
  (void)faelled("model add org/small:1b --file /m.gguf");
  EXPECT_EQ(faelled("model remove org/small:1b").out, "removed: org/small:1b\n");
  const Said again = faelled("model remove org/small:1b");
  EXPECT_EQ(again.status, 1);
  EXPECT_TRUE(again.err.contains("no such model")) << again.err;
  EXPECT_TRUE(faelled("model remove m").err.contains("configuration file"));
}

}  // namespace
}  // namespace faelled::app
