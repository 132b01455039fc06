#include "engines/gguf.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/limits.hpp"
#include "base/random.hpp"

namespace faelled::engines {
namespace {

// A model file's header with as much data behind it as its tensors need.
class GgufFile {
 public:
  GgufFile& number32(std::uint32_t v) { return raw(&v, sizeof v); }
  GgufFile& number64(std::uint64_t v) { return raw(&v, sizeof v); }
  GgufFile& text(std::string_view s) { return number64(s.size()).raw(s.data(), s.size()); }
  GgufFile& raw(const void* p, std::size_t n) {
    auto* b = static_cast<const std::byte*>(p);
    bytes.insert(bytes.end(), b, b + n);
    return *this;
  }
  GgufFile& begin(std::uint32_t version, std::uint64_t tensors, std::uint64_t pairs) {
    return raw("GGUF", 4).number32(version).number64(tensors).number64(pairs);
  }
  GgufFile& pair(std::string_view key, std::string_view value) { return text(key).number32(8).text(value); }
  GgufFile& pair(std::string_view key, std::uint32_t value) { return text(key).number32(4).number32(value); }
  GgufFile& tensor(std::string_view name, std::uint64_t values, std::uint32_t type, std::uint64_t offset) {
    return text(name).number32(1).number64(values).number32(type).number64(offset);
  }
  GgufFile& data(std::size_t n) {
    bytes.resize((bytes.size() + 31) / 32 * 32 + n);
    return *this;
  }
  std::vector<std::byte> bytes;
};

GgufFile small_model() {
  GgufFile file;
  file.begin(3, 2, 9)
      .pair("general.architecture", "llama")
      .pair("general.name", "Tiny")
      .pair("llama.context_length", 512)
      .pair("llama.block_count", 2)
      .pair("llama.embedding_length", 64)
      .pair("llama.attention.head_count", 4)
      .pair("llama.attention.head_count_kv", 1);
  file.pair("tokenizer.chat_template", "{{ messages }}");
  file.text("tokenizer.ggml.tokens").number32(9).number32(8).number64(3).text("a").text("bc").text("");
  file.tensor("first", 64, 0, 0).tensor("second", 256, 12, 256);
  return file.data(256 + 144);
}

// Before the others.
std::vector<std::byte> with_another_pair(GgufFile file, const GgufFile& pair) {
  const std::uint64_t pairs = 9 + 1;
  std::memcpy(file.bytes.data() + 16, &pairs, sizeof pairs);
  file.bytes.insert(file.bytes.begin() + 24, pair.bytes.begin(), pair.bytes.end());
  return file.bytes;
}

GgufFile small_adapter() {
  GgufFile file;
  file.begin(3, 1, 4)
      .pair("general.type", "adapter")
      .pair("general.architecture", "llama")
      .pair("adapter.type", "lora");
  const float alpha = 16;
  file.text("adapter.lora.alpha").number32(6).raw(&alpha, sizeof alpha);
  file.text("blk.0.attn_q.weight.lora_a").number32(2).number64(64).number64(4).number32(0).number64(0);
  return file.data(1024);
}

TEST(Gguf, TellsOfAnAdapterOnlyWhereThatIsAsked) {
  const GgufFile file = small_adapter();
  GgufDetails details;
  const auto summary = read_gguf(file.bytes, "a.gguf", &details);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->weight_bytes, 1024u);
  EXPECT_EQ(details.type, "adapter");
  EXPECT_EQ(details.adapter_type, "lora");
  EXPECT_FALSE(details.strange_adapter);
  EXPECT_EQ(details.tensors, (std::vector<GgufTensor>{{"blk.0.attn_q.weight.lora_a", {64, 4}}}));
  const auto as_model = read_gguf(file.bytes, "a.gguf");
  ASSERT_FALSE(as_model);
  EXPECT_TRUE(as_model.error().message.contains("it is an adapter")) << as_model.error().message;
}

TEST(Gguf, AnAdapterWithKeysThatTheEngineEndsItselfAtIsStrange) {
  for (const bool late : {false, true}) {
    GgufFile file;
    file.begin(3, 1, 3).pair("general.type", "adapter").pair("general.architecture", "llama");
    file.pair(late ? "adapter.alora.invocation_tokens" : "adapter.lora.alpha", "sixteen");
    file.tensor("a.lora_a", 1, 0, 0).data(4);
    GgufDetails details;
    ASSERT_TRUE(read_gguf(file.bytes, "a.gguf", &details));
    EXPECT_TRUE(details.strange_adapter);
  }
}

TEST(Gguf, TellsWhatAModelFileHolds) {
  auto summary = read_gguf(small_model().bytes, "tiny.gguf");
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->architecture, "llama");
  EXPECT_EQ(summary->name, "Tiny");
  EXPECT_EQ(summary->context_tokens, 512u);
  EXPECT_EQ(summary->weight_bytes, 256u + 144u);
  EXPECT_EQ(summary->layers, 2u);
  EXPECT_EQ(summary->embedding, 64u);
  EXPECT_EQ(summary->heads, 4u);
  EXPECT_EQ(summary->kv_heads, 2u);  // one in each layer
  EXPECT_EQ(summary->vocabulary, 3u);
  EXPECT_EQ(summary->values, 3u);
  const std::uint64_t to_the_data = small_model().bytes.size() - (256u + 144u);
  EXPECT_LE(summary->header_bytes, to_the_data);
  EXPECT_GT(summary->header_bytes + 32, to_the_data);
  EXPECT_EQ(summary->tensors, 2u);
  EXPECT_TRUE(summary->chat_template);
  EXPECT_FALSE(summary->pooling);
}

TEST(Gguf, RefusesEveryTruncation) {
  auto whole = small_model().bytes;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    auto summary = read_gguf(std::span(whole).first(n), "tiny.gguf");
    ASSERT_FALSE(summary) << n;
    EXPECT_NE(summary.error().message.find("tiny.gguf"), std::string::npos);
    EXPECT_FALSE(summary.error().hint.empty());
  }
}

TEST(Gguf, SaysThatAnotherFormatIsNotAModelFile) {
  std::string text = "PK\x03\x04 this is a zip file, more or less";
  auto summary = read_gguf(std::as_bytes(std::span(text)), "model.zip");
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().message, "model file model.zip: it is not a GGUF file");
}

TEST(Gguf, RefusesAVersionItDoesNotKnow) {
  GgufFile file;
  file.begin(0x03000000, 1, 1);  // version 3 as a big-endian machine writes it
  EXPECT_FALSE(read_gguf(file.bytes, "big.gguf"));
}

TEST(Gguf, RefusesCountsThatNoFileCanHold) {
  GgufFile file;
  file.begin(3, 1, 1).text("tokens").number32(9).number32(8).number64(~0ULL);
  EXPECT_FALSE(read_gguf(file.bytes, "many.gguf"));
  GgufFile tensors;
  tensors.begin(3, ~0ULL, 0);
  EXPECT_FALSE(read_gguf(tensors.bytes, "many.gguf"));
}

// An engine would take gigabytes for them, whatever key they lie under.
TEST(Gguf, RefusesListsLongerThanAnyModelHas) {
  for (const std::uint32_t kind : {0U, 8U}) {
    GgufFile file = small_model();
    const std::uint64_t values = limits::gguf_values_max + 1;
    GgufFile list;
    list.text("x.list").number32(9).number32(kind).number64(values).data(values * (kind == 0 ? 1 : 8));
    const auto summary = read_gguf(with_another_pair(small_model(), list), "many.gguf");
    ASSERT_FALSE(summary);
    EXPECT_EQ(summary.error().message, "model file many.gguf: its header lists more than 4000000 values");
    EXPECT_FALSE(summary.error().hint.empty());
  }
}

TEST(Gguf, RefusesAHeaderLongerThanAnyModelHas) {
  GgufFile text;
  text.text("x.text").number32(8).number64(limits::gguf_header_bytes_max).data(limits::gguf_header_bytes_max);
  const auto summary = read_gguf(with_another_pair(small_model(), text), "long.gguf");
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().message, "model file long.gguf: its header is longer than 67 MB");
}

TEST(Gguf, RefusesATensorWhoseSizeOverflows) {
  GgufFile file;
  file.begin(3, 1, 1).pair("general.architecture", "llama");
  file.text("huge").number32(3).number64(1ULL << 40).number64(1ULL << 40).number64(4).number32(0).number64(0).data(64);
  EXPECT_FALSE(read_gguf(file.bytes, "huge.gguf"));
}

TEST(Gguf, SurvivesMutations) {
  SeededRandom random(20260101);
  const std::array wholes{small_model().bytes, small_adapter().bytes};
  for (std::size_t round = 0; round < 20'000; ++round) {
    auto bytes = wholes[round % 2];
    for (auto changes = 1 + random.below(4); changes > 0; --changes) {
      auto at = random.below(bytes.size());
      switch (random.below(3)) {
        case 0:
          bytes[at] = static_cast<std::byte>(random.below(256));
          break;
        case 1:
          bytes[at] = std::byte{0xff};
          break;
        default:
          bytes.resize(1 + at);
      }
    }
    auto summary = read_gguf(bytes, "mutated.gguf");
    if (summary) EXPECT_LE(summary->architecture.size(), bytes.size());
    GgufDetails details;
    summary = read_gguf(bytes, "mutated.gguf", &details);
    if (summary) EXPECT_EQ(details.tensors.size(), summary->tensors);
  }
}

TEST(Gguf, AMissingFileSaysSoAndHowToMendIt) {
  auto summary = read_gguf_file("/nonexistent/model.gguf");
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, Errc::not_found);
  EXPECT_FALSE(summary.error().hint.empty());
}

TEST(Gguf, AFolderIsNotAModelFile) { EXPECT_FALSE(read_gguf_file("/")); }

TEST(Gguf, ReadsTheRealModel) {
  const char* path = std::getenv("FAELLED_MODEL");
  ASSERT_NE(path, nullptr) << "set FAELLED_MODEL to the small model's file; ./test does";
  auto summary = read_gguf_file(path);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->architecture, "gemma3");
  EXPECT_EQ(summary->context_tokens, 32768u);
  EXPECT_FALSE(summary->chat_template);
}

}  // namespace
}  // namespace faelled::engines
