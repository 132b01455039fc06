#include "engines/memory_need.hpp"

#include <gtest/gtest.h>

namespace faelled::engines {
namespace {

// The shape of Llama 3.1 8B, of which a quarter of the heads hold keys and values.
GgufSummary llama_8b() {
  GgufSummary file;
  file.context_tokens = 131'072;
  file.weight_bytes = 4'920'000'000;
  file.layers = 32;
  file.embedding = 4096;
  file.heads = 32;
  file.kv_heads = 32 * 8;
  file.vocabulary = 128'256;
  return file;
}

ModelSettings settings(std::uint32_t places, std::uint32_t context) {
  ModelSettings model;
  model.id = "m";
  model.places = places;
  model.context_tokens = context;
  return model;
}

TEST(MemoryNeed, CountsKeysAndValuesOfEveryPlacesContext) {
  const auto need = memory_need(settings(4, 8192), llama_8b());
  ASSERT_TRUE(need);
  EXPECT_EQ(need->weights, 4'920'000'000U);
  EXPECT_EQ(need->kv_cache, 4ULL * 8192 * 32 * 8 * 256 * 2);  // 128 KiB a token, as its makers say
  EXPECT_GT(need->working, 100'000'000U);
  EXPECT_LT(need->working, 300'000'000U);
}

// As many as its engine is begun with (llama_server_test.cpp): whole steps of llama.cpp.
TEST(MemoryNeed, CountsTheContextThatEachPlaceIsBegunWith) {
  EXPECT_EQ(memory_need(settings(3, 1000), llama_8b())->kv_cache, memory_need(settings(3, 1024), llama_8b())->kv_cache);
  GgufSummary small = llama_8b();
  small.context_tokens = 1000;
  EXPECT_EQ(memory_need(settings(3, 1000), small)->kv_cache, 3ULL * 1000 * 32 * 8 * 256 * 2) << "it has no more";
}

TEST(MemoryNeed, TakesTheLengthsOfHeadsFromTheFileWhereItSaysThem) {
  GgufSummary file = llama_8b();
  file.key_length = 256;
  file.value_length = 128;
  EXPECT_EQ(memory_need(settings(1, 4096), file)->kv_cache, 4096U * 32 * 8 * 384 * 2);
}

TEST(MemoryNeed, RefusesAContextThatTheModelDoesNotHave) {
  EXPECT_FALSE(memory_need(settings(1, 1'000'000), llama_8b()));
}

// With four million texts under a key of its own an engine of a model of 253 MB took 800 MB to begin with.
TEST(MemoryNeed, CountsWhatAnEngineTakesToReadALongHeader) {
  GgufSummary small = llama_8b();
  small.weight_bytes = 50'000'000;
  small.layers = 1;
  const auto before = memory_need(settings(1, 1024), small)->total();
  small.values = 4'000'000;
  small.header_bytes = 38'000'000;
  const auto need = memory_need(settings(1, 1024), small)->total();
  EXPECT_GT(need, 800'000'000U);
  EXPECT_GT(need, before + 400'000'000U);
}

TEST(MemoryNeed, AHeaderAsModelsHaveItChangesLittle) {
  GgufSummary file = llama_8b();
  const auto before = memory_need(settings(4, 8192), file)->total();
  file.values = 128'256 * 2 + 280'147;  // tokens, their kinds, merges
  file.header_bytes = 7'800'000;
  file.tensors = 292;
  EXPECT_LT(memory_need(settings(4, 8192), file)->total(), before + before / 200);
}

TEST(MemoryNeed, AHostileHeaderNeedsTooMuchAndNotTooLittle) {
  GgufSummary file = llama_8b();
  file.layers = file.heads = file.embedding = UINT32_MAX;
  file.kv_heads = file.vocabulary = file.values = file.header_bytes = UINT64_MAX;
  const auto need = memory_need(settings(100, 4096), file);
  ASSERT_TRUE(need);
  EXPECT_GT(need->total(), 1ULL << 60U);
}

TEST(MemoryNeed, GuessesALoadByItsBytes) { EXPECT_EQ(load_guess({60'000'000'000, 0, 0}), std::chrono::seconds(61)); }

}  // namespace
}  // namespace faelled::engines
