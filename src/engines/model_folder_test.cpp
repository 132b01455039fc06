#include "engines/model_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace faelled::engines {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* qwen =
    R"({"architectures":["Qwen3ForCausalLM"],"dtype":"bfloat16","max_position_embeddings":40960,"num_hidden_layers":28,)"
    R"("num_attention_heads":16,"num_key_value_heads":8,"head_dim":128,"hidden_size":1024})";

Expected<ModelShape> shape_of(std::string_view config) {
  json::Document document;
  return read_model_shape(config, "config.json", document);
}

ModelShape without_adapters(ModelShape shape) {
  shape.adapter_values = 0;
  return shape;
}

TEST(ModelShape, TellsWhatMemoryDependsOn) {
  EXPECT_EQ(without_adapters(shape_of(qwen).value()),
            (ModelShape{"Qwen3ForCausalLM", "bfloat16", 40960, 28, 8, 128, 0}));
}

TEST(ModelShape, KnowsOlderNamesAndWhatFollowsFromOthers) {
  const auto gpt =
      shape_of(R"({"architectures":["GPT2LMHeadModel"],"n_positions":1024,"n_layer":12,"n_head":12,"n_embd":768})");
  EXPECT_EQ(without_adapters(gpt.value()), (ModelShape{"GPT2LMHeadModel", "", 1024, 12, 12, 64, 0}));
}

TEST(ModelShape, LooksAtThePartThatSpeaks) {
  const auto seeing =
      shape_of(R"({"architectures":["Mistral3ForConditionalGeneration"],"torch_dtype":"float16","text_config":)"
               R"({"max_position_embeddings":32768,"num_hidden_layers":4,"num_attention_heads":8,"hidden_size":512},)"
               R"("vision_config":{"num_hidden_layers":99}})");
  EXPECT_EQ(without_adapters(seeing.value()),
            (ModelShape{"Mistral3ForConditionalGeneration", "float16", 32768, 4, 8, 64, 0}));
}

TEST(ModelShape, CountsCompressedKeysAndValues) {
  const auto deep =
      shape_of(R"({"architectures":["DeepseekV3ForCausalLM"],"num_hidden_layers":61,"num_attention_heads":128,)"
               R"("hidden_size":7168,"kv_lora_rank":512,"qk_rope_head_dim":64})");
  EXPECT_EQ(deep.value().latent_values, 576u);
}

TEST(ModelShape, CountsWhatAnAdapterOfAllItsMatricesTakes) {
  const auto shape = shape_of(
      R"({"architectures":["X"],"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":8,)"
      R"("hidden_size":64,"intermediate_size":128,"vocab_size":1000,"quantization_config":{"bits":4}})");
  // Queries and what becomes of them, keys and values; three matrices that widen; words in and out.
  const std::uint64_t attention = 4 * 64 + 2 * 8 * (4 + 2), feeds = 3 * (64 + 128);
  EXPECT_EQ(shape.value().adapter_values, 2 * (attention + feeds) + 2 * (64 + 1000));
  EXPECT_TRUE(shape.value().quantized);
  EXPECT_FALSE(shape_of(qwen).value().quantized);
}

TEST(ModelShape, RefusesWhatCannotBe) {
  for (auto config : {"", "[]", "{}", R"({"architectures":[]})", R"({"architectures":"x","num_hidden_layers":1})",
                      R"({"architectures":["X"]})",
                      R"({"architectures":["X"],"num_hidden_layers":0,"num_attention_heads":1,"hidden_size":1})",
                      R"({"architectures":["X"],"num_hidden_layers":1,"num_attention_heads":4,"hidden_size":2})",
                      R"({"architectures":["X"],"num_hidden_layers":1,"num_attention_heads":"4","hidden_size":8})",
                      R"({"architectures":["X"],"num_hidden_layers":1e30,"num_attention_heads":4,"hidden_size":8})",
                      R"({"architectures":["X"],"num_hidden_layers":1,"hidden_size":8})"}) {
    const auto shape = shape_of(config);
    ASSERT_FALSE(shape) << config;
    EXPECT_THAT(shape.error().message, HasSubstr("config.json")) << config;
    EXPECT_FALSE(shape.error().hint.empty());
  }
}

TEST(Shards, AreReadFromTheIndex) {
  json::Document document;
  const auto shards = read_shards(
      R"({"metadata":{"total_size":9},"weight_map":{"b":"m-2.safetensors","c":"m-1.safetensors","a":"m-1.safetensors"}})",
      "index", document);
  ASSERT_TRUE(shards);
  EXPECT_THAT(*shards, ElementsAre(Shard{"m-1.safetensors", {"a", "c"}}, Shard{"m-2.safetensors", {"b"}}));
}

TEST(Shards, NameNoFileElsewhere) {
  json::Document document;
  for (auto file : {R"("../x.safetensors")", R"("/etc/x.safetensors")", R"(".x.safetensors")", R"("x.bin")", "7",
                    R"("a\u0000.safetensors")", R"("")"}) {
    EXPECT_FALSE(read_shards(std::string(R"({"weight_map":{"a":)") + file + "}}", "index", document)) << file;
  }
  EXPECT_FALSE(read_shards("{}", "index", document));
  EXPECT_FALSE(read_shards(R"({"weight_map":{}})", "index", document));
}

class ModelFolderOnDisk : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path().string() + "/faelled-folder-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    write("config.json", qwen);
    write("tokenizer.json", "{}");
    write("tokenizer_config.json", R"({"chat_template":"{{ messages }}"})");
    write("model.safetensors", weights());
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  static std::string weights(std::string_view name = "a") {
    std::string header = R"({")" + std::string(name) + R"(":{"dtype":"BF16","shape":[8],"data_offsets":[0,16]}})";
    std::string bytes(8, '\0');
    const std::uint64_t size = header.size();
    std::memcpy(bytes.data(), &size, sizeof size);
    return bytes + header + std::string(16, 'x');
  }
  void write(const std::string& name, std::string_view text) { std::ofstream(folder / name, std::ios::binary) << text; }
  std::string refusal() {
    const auto read = read_model_folder(folder.string());
    if (read) return "nothing is wrong";
    EXPECT_FALSE(read.error().hint.empty()) << read.error().message;
    return read.error().message;
  }
  std::filesystem::path folder;
};

TEST_F(ModelFolderOnDisk, IsReadAsAWhole) {
  const auto read = read_model_folder(folder.string());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->shape.layers, 28u);
  EXPECT_EQ(read->weight_bytes, 16u);
  EXPECT_TRUE(read->chat_template);
  EXPECT_TRUE(read->elsewhere.empty());
}

TEST_F(ModelFolderOnDisk, SaysWhichPartIsMissingOrBroken) {
  const auto without = [&](const char* name) {
    std::filesystem::rename(folder / name, folder / "away");
    auto said = refusal();
    std::filesystem::rename(folder / "away", folder / name);
    return said;
  };
  EXPECT_THAT(without("config.json"), HasSubstr("config.json"));
  EXPECT_THAT(without("tokenizer.json"), HasSubstr("no tokenizer"));
  EXPECT_THAT(without("model.safetensors"), HasSubstr("no .safetensors file"));
  write("model.safetensors", weights().substr(0, 60));
  EXPECT_THAT(refusal(), HasSubstr("model.safetensors: it ends too early"));
  std::filesystem::remove_all(folder / "model.safetensors");
  std::filesystem::create_directory(folder / "model.safetensors");
  EXPECT_THAT(refusal(), HasSubstr("no file"));
  EXPECT_FALSE(read_model_folder((folder / "nowhere").string()));
}

TEST_F(ModelFolderOnDisk, HoldsTheIndexToItsShards) {
  write("model.safetensors.index.json", R"({"weight_map":{"a":"model.safetensors"}})");
  EXPECT_TRUE(read_model_folder(folder.string()));
  write("model.safetensors", weights("of_another_model"));
  EXPECT_THAT(refusal(), HasSubstr("lacks tensors"));
  write("model.safetensors.index.json", R"({"weight_map":{"a":"model-2.safetensors"}})");
  EXPECT_THAT(refusal(), HasSubstr("model-2.safetensors"));
}

TEST_F(ModelFolderOnDisk, FollowsLinksAndSaysWhereTheyLead) {
  const auto elsewhere = folder.string() + "-blob";
  std::filesystem::rename(folder / "model.safetensors", elsewhere);
  std::filesystem::create_symlink(elsewhere, folder / "model.safetensors");
  const auto read = read_model_folder(folder.string());
  std::filesystem::remove(elsewhere);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(read->elsewhere, ElementsAre(elsewhere));
}

}  // namespace
}  // namespace faelled::engines
