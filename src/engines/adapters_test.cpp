#include "engines/adapters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace faelled::engines {
namespace {

using testing::HasSubstr;

// A model of one matrix, 64 in and 32 out, with 100 words; and an adapter for it.
class GgufAdapter : public testing::Test {
 protected:
  GgufAdapter() {
    adapter.architecture = model.architecture = "llama";
    of_model.tensors = {{"blk.0.attn_q.weight", {64, 32}}, {"token_embd.weight", {64, 100}}};
    of_adapter.type = "adapter";
    of_adapter.adapter_type = "lora";
    of_adapter.tensors = {{"blk.0.attn_q.weight.lora_a", {64, 4}}, {"blk.0.attn_q.weight.lora_b", {4, 32}}};
  }
  std::string refusal() const {
    const auto fits = adapter_fits(model, of_model, adapter, of_adapter, "a.gguf");
    return fits ? "" : fits.error().message;
  }
  GgufSummary model, adapter;
  GgufDetails of_model, of_adapter;
};

TEST_F(GgufAdapter, FitsTheModelThatItWasMadeFor) {
  EXPECT_EQ(refusal(), "");
  of_adapter.tensors.push_back({"token_embd.weight.lora_a", {4, 100}});
  of_adapter.tensors.push_back({"token_embd.weight.lora_b", {4, 64}});
  of_adapter.tensors.push_back({"blk.0.attn_norm.weight", {64}});
  EXPECT_EQ(refusal(), "") << "words lie the other way round, and norms are left out by the engine";
}

TEST_F(GgufAdapter, OfAnotherKindOrArchitectureIsRefused) {
  of_adapter.type = "model";
  EXPECT_THAT(refusal(), HasSubstr("adapter a.gguf: it is no LoRA"));
  of_adapter.type = "adapter";
  of_adapter.adapter_type = "control_vector";
  EXPECT_THAT(refusal(), HasSubstr("it is no LoRA"));
  of_adapter.adapter_type = "lora";
  of_adapter.strange_adapter = true;
  EXPECT_THAT(refusal(), HasSubstr("of a kind that is not served here"));
  of_adapter.strange_adapter = false;
  adapter.architecture = "qwen3";
  EXPECT_THAT(refusal(), HasSubstr("made for a model of architecture qwen3, and this one is llama"));
}

TEST_F(GgufAdapter, EachHalfIsThereOnceAndForAMatrixThatTheModelHas) {
  const auto whole = of_adapter.tensors;
  of_adapter.tensors = {};
  EXPECT_THAT(refusal(), HasSubstr("changes nothing"));
  of_adapter.tensors = {whole[0]};
  EXPECT_THAT(refusal(), HasSubstr("one half is missing"));
  of_adapter.tensors = {whole[0], whole[1], whole[0]};
  EXPECT_THAT(refusal(), HasSubstr("twice"));
  of_adapter.tensors = {whole[0], whole[1], {"blk.0.attn_q.bias", {32}}};
  EXPECT_THAT(refusal(), HasSubstr("belong to no LoRA"));
  of_adapter.tensors = {{"blk.9.attn_q.weight.lora_a", {64, 4}}, {"blk.9.attn_q.weight.lora_b", {4, 32}}};
  EXPECT_THAT(refusal(), HasSubstr("it changes blk.9.attn_q.weight, which the model does not have"));
}

TEST_F(GgufAdapter, ItsShapesAreTheModels) {
  for (const std::vector<std::uint64_t>& wrong : {std::vector<std::uint64_t>{63, 4}, {64, 5}, {64}, {}, {4, 64}}) {
    of_adapter.tensors[0].sizes = wrong;
    EXPECT_THAT(refusal(), HasSubstr("blk.0.attn_q.weight has shapes")) << wrong.size();
  }
}

class PeftAdapter : public testing::Test {
 protected:
  PeftAdapter() {
    model.tensors = {"lm_head.weight", "model.layers.0.mlp.down_proj.weight", "model.layers.0.self_attn.q_proj.weight"};
    model.shapes = {{100, 64}, {64, 128}, {32, 64}};
    adapter.tensors = {name("lora_A"), name("lora_B")};
    adapter.shapes = {{8, 64}, {32, 8}};
  }
  static std::string name(const std::string& half, const std::string& module = "layers.0.self_attn.q_proj") {
    return "base_model.model.model." + module + "." + half + ".weight";
  }
  std::string refusal(std::uint32_t rank = 8, bool shapes_count = true) const {
    const auto fits = adapter_fits(model, shapes_count, adapter, rank, "a.safetensors");
    return fits ? "" : fits.error().message;
  }
  static std::string rank_refusal(std::string_view config) {
    json::Document document;
    const auto rank = adapter_rank(config, "jura", document);
    return rank ? "" : rank.error().message;
  }
  SafetensorsSummary model, adapter;
};

TEST_F(PeftAdapter, FitsTheModelThatItWasMadeFor) {
  EXPECT_EQ(refusal(), "");
  adapter.tensors = {"base_model.model.language_model.model.layers.0.self_attn.q_proj.lora_A.weight",
                     "base_model.model.language_model.model.layers.0.self_attn.q_proj.lora_B.weight"};
  EXPECT_EQ(refusal(), "") << "a model that sees too has more in front of its layers";
}

TEST_F(PeftAdapter, OfAnotherModelIsRefused) {
  adapter.shapes = {{8, 63}, {32, 8}};
  EXPECT_THAT(refusal(), HasSubstr("shapes 8×63 and 32×8, which are no shapes of the model's"));
  EXPECT_EQ(refusal(8, false), "") << "packed matrices have shapes of their own";
  adapter.shapes = {{8, 64}, {32, 4}};
  EXPECT_THAT(refusal(), HasSubstr("has another rank"));
  adapter.shapes = {{16, 64}, {32, 16}};
  EXPECT_THAT(refusal(), HasSubstr("has another rank")) << "more than its adapter_config.json said";
  adapter.shapes = {{0, 64}, {32, 0}};
  EXPECT_THAT(refusal(), HasSubstr("has another rank"));
  adapter.shapes = {{8, 64}, {32, 8}};
  adapter.tensors = {name("lora_A", "layers.7.self_attn.q_proj"), name("lora_B", "layers.7.self_attn.q_proj")};
  EXPECT_THAT(refusal(), HasSubstr("which the model does not have"));
  adapter.tensors = {name("lora_A")};
  EXPECT_THAT(refusal(), HasSubstr("one half is missing"));
  adapter.tensors = {"base_model.model.lm_head.modules_to_save.weight"};
  EXPECT_THAT(refusal(), HasSubstr("belongs to no plain LoRA"));
}

TEST_F(PeftAdapter, ItsRankIsTheLargestOfAny) {
  json::Document document;
  EXPECT_EQ(
      adapter_rank(R"({"peft_type":"LORA","r":8,"bias":"none","modules_to_save":null,"use_dora":false})", "", document)
          .value(),
      8U);
  EXPECT_EQ(adapter_rank(R"({"peft_type":"LORA","r":8,"rank_pattern":{"q_proj":64,"v_proj":4}})", "", document).value(),
            64U);
}

TEST_F(PeftAdapter, WhatVllmDoesNotServeIsRefused) {
  EXPECT_THAT(rank_refusal("[]"), HasSubstr("adapter jura: its adapter_config.json is no JSON object"));
  EXPECT_THAT(rank_refusal(R"({"r":8})"), HasSubstr("it is no LoRA"));
  EXPECT_THAT(rank_refusal(R"({"peft_type":"IA3","r":8})"), HasSubstr("it is no LoRA"));
  for (const auto* wrong : {"", R"("r":0)", R"("r":"8")", R"("r":1e9)", R"("r":8,"rank_pattern":{"q":-1})"}) {
    const std::string config = std::string(R"({"peft_type":"LORA")") + (*wrong ? "," : "") + wrong + "}";
    EXPECT_THAT(rank_refusal(config), HasSubstr("cannot be")) << config;
  }
  for (const auto* wrong : {R"("use_dora":true)", R"("modules_to_save":["lm_head"])", R"("bias":"all")",
                            R"("layer_replication":[[0,1]])", R"("alora_invocation_tokens":[1])"}) {
    const std::string config = std::string(R"({"peft_type":"LORA","r":8,)") + wrong + "}";
    EXPECT_THAT(rank_refusal(config), HasSubstr("vLLM does not serve")) << config;
  }
}

TEST(AdapterRank, IsTheNextThatVllmKnows) {
  EXPECT_EQ(rank_for(1), 1U);
  EXPECT_EQ(rank_for(9), 16U);
  EXPECT_EQ(rank_for(512), 512U);
  EXPECT_EQ(rank_for(4000), 512U);
}

}  // namespace
}  // namespace faelled::engines
