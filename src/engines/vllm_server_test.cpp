#include "engines/vllm_server.hpp"

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
  m.id = "org/big";
  m.kind = EngineKind::vllm;
  m.vllm = "/opt/vllm/bin/vllm";
  m.folder = "/models/big";
  m.places = 3;
  m.context_tokens = 1000;
  return m;
}

ModelFolder folder() {
  ModelFolder out;
  out.shape = {"Qwen3ForCausalLM", "bfloat16", 8192, 2, 2, 32, 0};
  out.weight_bytes = 1'000'000;
  return out;
}

VllmPlace place() { return {"/run/abc", "/run/abc/v.sock", true}; }

std::string value_of(const Command& command, std::string_view flag) {
  const auto at = std::ranges::find(command.arguments, flag);
  return at == command.arguments.end() ? "(missing)" : *(at + 1);
}

TEST(VllmServerCommand, AsksForWhatWasPromisedAndOnePlaceForOurQuestion) {
  const auto command = vllm_server_command(model(), folder(), place());
  ASSERT_TRUE(command);
  EXPECT_EQ(command->program, "/opt/vllm/bin/vllm");
  EXPECT_EQ(command->arguments[0], "serve");
  EXPECT_EQ(command->arguments[1], "/models/big");
  EXPECT_EQ(value_of(*command, "--uds"), "/run/abc/v.sock");
  EXPECT_EQ(value_of(*command, "--max-model-len"), "1000");
  EXPECT_EQ(value_of(*command, "--max-num-seqs"), "4");
  EXPECT_EQ(value_of(*command, "--dtype"), "bfloat16");
  EXPECT_EQ(value_of(*command, "--scheduling-policy"), "priority");
  EXPECT_THAT(command->arguments, IsSupersetOf({"--served-model-name=org/big", "--enable-request-id-headers",
                                                "--enforce-eager", "--enable-prompt-tokens-details"}));
}

TEST(VllmServerCommand, CompilesIntoAFolderThatStays) {
  const auto environment = [](const VllmPlace& place) {
    return vllm_server_command(model(), folder(), place)->environment;
  };
  VllmPlace gpu = place();
  gpu.processor_build = false;
  gpu.compiled = "/data/compiled/big";
  EXPECT_THAT(
      environment(gpu),
      IsSupersetOf({"TORCHINDUCTOR_CACHE_DIR=/data/compiled/big/inductor", "TRITON_CACHE_DIR=/data/compiled/big/triton",
                    "VLLM_CACHE_ROOT=/data/compiled/big/cache", "CUDA_CACHE_PATH=/data/compiled/big/cuda",
                    "FLASHINFER_WORKSPACE_BASE=/data/compiled/big/flashinfer", "HOME=/run/abc", "TMPDIR=/run/abc"}));
  EXPECT_THAT(environment(gpu), Not(Contains(StartsWith("TORCH_COMPILE_DISABLE="))));
  EXPECT_THAT(environment(place()), IsSupersetOf({"TRITON_CACHE_DIR=/run/abc/triton", "VLLM_CACHE_ROOT=/run/abc/cache",
                                                  "TORCH_COMPILE_DISABLE=1"}));
}

TEST(VllmServerCommand, TakesAdaptersWhereTheModelHasOrMayGetSome) {
  const auto variable = "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True";
  EXPECT_THAT(vllm_server_command(model(), folder(), place())->environment, Not(Contains(variable)));
  ModelSettings has = model(), may = model();
  has.adapters = {{"a", "/a"}};
  may.adapters_folder = "/adapters";
  has.adapters_rank = may.adapters_rank = 20;
  for (const ModelSettings& one : {has, may}) {
    const auto command = vllm_server_command(one, folder(), place());
    ASSERT_TRUE(command);
    EXPECT_THAT(command->arguments, Contains("--enable-lora"));
    EXPECT_EQ(value_of(*command, "--max-loras"), "4");
    EXPECT_EQ(value_of(*command, "--max-lora-rank"), "32") << "the next that it knows";
    EXPECT_THAT(command->environment, Contains(variable));
  }
  ModelFolder with = folder();
  with.shape.adapter_values = 1000;
  EXPECT_EQ(memory_need(has, with)->working - memory_need(model(), with)->working, 2u * 4 * 32 * 1000 * 2);
}

TEST(VllmServerCommand, CanSleepWhereItShall) {
  for (const bool sleeps : {true, false}) {
    const auto command = vllm_server_command(model(), folder(), {"/run/abc", "/run/abc/v.sock", false, 0, sleeps});
    EXPECT_EQ(std::ranges::count(command->arguments, "--enable-sleep-mode"), sleeps ? 1 : 0);
    EXPECT_EQ(std::ranges::count(command->environment, "VLLM_SERVER_DEV_MODE=1"), sleeps ? 1 : 0);
  }
}

TEST(VllmServerAnswer, SaysWhetherItSleeps) {
  EXPECT_EQ(vllm_sleeps(R"({"is_sleeping":true})"), true);
  EXPECT_EQ(vllm_sleeps(R"({"is_sleeping":false})"), false);
  for (const auto no : {"", "{}", "true", R"({"is_sleeping":"yes"})"}) EXPECT_EQ(vllm_sleeps(no), std::nullopt) << no;
}

TEST(VllmServerAnswer, SaysWhichTokensItIsMadeOf) {
  EXPECT_EQ(vllm_sample(R"({"choices":[{"index":0,"text":"ab","token_ids":[5, 7]}]})"), "[5, 7]");
  for (const auto no : {"", "{}", R"({"choices":[]})", R"({"choices":{}})", R"({"choices":[{"text":"ab"}]})",
                        R"({"choices":[{"token_ids":null}]})", R"({"choices":[{"token_ids":[]}]})"})
    EXPECT_EQ(vllm_sample(no), "") << no;
}

TEST(VllmForgets, OnlyWithoutAdapters) {
  auto m = model();
  EXPECT_TRUE(vllm_forgets(m));
  m.adapters = {{"jura", "/adapters/jura"}};
  EXPECT_FALSE(vllm_forgets(m));
  m.adapters.clear();
  m.adapters_folder = "/adapters";
  EXPECT_FALSE(vllm_forgets(m)) << "some may come";
}

TEST(VllmServerCommand, OpensNoDoorButTheSocket) {
  const auto command = vllm_server_command(model(), folder(), place());
  ASSERT_TRUE(command);
  for (auto forbidden : {"--host", "--port", "--api-key", "--trust-remote-code", "--enable-lora", "--enable-sleep-mode",
                         "--enable-log-requests", "--tool-server", "--allowed-local-media-path"}) {
    EXPECT_THAT(command->arguments, Not(Contains(forbidden)));
  }
}

TEST(VllmServerCommand, PassesOnNoVariableThatTheEngineReads) {
  const auto command = vllm_server_command(
      model(), folder(), place(),
      {"VLLM_SERVER_DEV_MODE=1", "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1", "HF_TOKEN=x", "PYTHONPATH=/tmp/evil",
       "CUDA_VISIBLE_DEVICES=1", "FAELLED_SECRET=x", "LD_PRELOAD=/tmp/evil.so"});
  ASSERT_TRUE(command);
  const auto& environment = command->environment;
  EXPECT_THAT(environment, IsSupersetOf({"CUDA_VISIBLE_DEVICES=1", "PYTHONPATH=/run/abc", "HF_HUB_OFFLINE=1",
                                         "VLLM_NO_USAGE_STATS=1", "VLLM_PLUGINS=", "VLLM_RPC_BASE_PATH=."}));
  for (auto prefix : {"VLLM_SERVER_DEV_MODE", "VLLM_ALLOW_RUNTIME", "HF_TOKEN", "FAELLED_", "LD_PRELOAD"})
    EXPECT_THAT(environment, Not(Contains(StartsWith(prefix))));
  EXPECT_THAT(environment, Not(Contains("PYTHONPATH=/tmp/evil")));
}

TEST(VllmServerCommand, OnAGpuCompilesAndLeavesItsProcessesAlone) {
  auto elsewhere = place();
  elsewhere.processor_build = false;
  const auto command = vllm_server_command(model(), folder(), elsewhere);
  ASSERT_TRUE(command);
  EXPECT_THAT(command->arguments, Not(Contains("--enforce-eager")));
  EXPECT_THAT(command->environment, Not(Contains(StartsWith("VLLM_ENABLE_V1_MULTIPROCESSING"))));
}

TEST(VllmServerCommand, NamesTemplateAndToolParserWhereTheyAreSet) {
  auto m = model();
  EXPECT_THAT(vllm_server_command(m, folder(), place())->arguments, Not(Contains("--enable-auto-tool-choice")));
  m.chat_template_file = "/share/chat.jinja";
  m.tool_parser = "hermes";
  m.threads = 2;
  const auto command = vllm_server_command(m, folder(), place());
  ASSERT_TRUE(command);
  EXPECT_EQ(value_of(*command, "--chat-template"), "/share/chat.jinja");
  EXPECT_EQ(value_of(*command, "--tool-call-parser"), "hermes");
  EXPECT_THAT(command->environment, Contains("OMP_NUM_THREADS=2"));
}

TEST(VllmServerCommand, RefusesToPromiseMoreThanTheModelHas) {
  auto m = model();
  m.context_tokens = 10'000;
  const auto command = vllm_server_command(m, folder(), place());
  ASSERT_FALSE(command);
  EXPECT_THAT(command.error().hint, HasSubstr("8192"));
  m.context_tokens = 0;
  EXPECT_EQ(context_tokens_per_place(m, folder().shape), limits::context_tokens_default);
}

TEST(VllmServerCommand, RefusesASocketPathThatTheKernelCannotHold) {
  auto far = place();
  far.socket = "/" + std::string(120, 'x');
  EXPECT_FALSE(vllm_server_command(model(), folder(), far));
}

TEST(VllmMemory, IsWeightsKeysValuesAndItsOwn) {
  // 2 layers × 2 heads × 32 values × 2 bytes × 2, keys and values: 512 bytes a token.
  EXPECT_EQ(kv_cache_bytes(folder().shape, 1000, 3), 512u * 256 * (4 * 3 + 2));
  EXPECT_EQ(memory_need(model(), folder()), (MemoryNeed{1'000'000, 512u * 256 * 14, limits::vllm_own_bytes}));
  auto deep = folder().shape;
  deep.latent_values = 576;
  EXPECT_EQ(kv_cache_bytes(deep, 256, 1), 2u * 576 * 2 * 256 * 3);
}

TEST(VllmMemory, DoesNotOverflow) {
  ModelFolder absurd;
  absurd.shape = {"X", "float32", 1'000'000'000, 10'000, 65'536, 65'536, 0};
  absurd.weight_bytes = ~std::uint64_t{0} - 5;
  auto m = model();
  m.context_tokens = 1'000'000'000;
  const auto need = memory_need(m, absurd);
  ASSERT_TRUE(need);
  EXPECT_GE(need->total(), 2ULL << 60U);
}

TEST(VllmQuestion, IsValidJsonWhateverTheModelIsCalled) {
  auto m = model();
  EXPECT_EQ(vllm_question(m),
            R"({"model":"org/big","prompt":[1],"max_tokens":1,"priority":-1,"cache_salt":"faelled"})");
  EXPECT_EQ(vllm_sample_question(m),
            R"({"model":"org/big","prompt":[1,2,3,4,5,6,7,8],"max_tokens":8,"temperature":0,"ignore_eos":true,)"
            R"("return_token_ids":true,"priority":-1,"cache_salt":"faelled"})");
}

}  // namespace
}  // namespace faelled::engines
