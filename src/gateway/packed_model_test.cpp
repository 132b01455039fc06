#include "gateway/packed_model.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace faelled::gateway {
namespace {

std::string text(SeededRandom& random) {
  std::string out;
  for (std::uint64_t i = 0, bytes = random.below(3) == 0 ? 0 : random.below(300); i < bytes; ++i)
    out += static_cast<char>(random.below(256));
  return out;
}

std::vector<std::string> texts(SeededRandom& random) {
  std::vector<std::string> all(random.below(4));
  for (std::string& one : all) one = text(random);
  return all;
}

std::vector<Alias> aliases(SeededRandom& random) {
  std::vector<Alias> all(random.below(3));
  for (Alias& one : all)
    one = {text(random), random.below(2) == 0 ? rpc::Lane::batch : rpc::Lane::interactive, random.below(2) == 0};
  return all;
}

CardText card(SeededRandom& random) { return {text(random), text(random), text(random)}; }

CatalogueModel any_model(SeededRandom& random) {
  const auto flag = [&] { return random.below(2) == 0; };
  const auto number = [&] { return static_cast<std::uint32_t>(random.below(1ULL << random.below(33))); };
  CatalogueModel model;
  engines::ModelSettings& s = model.settings;
  for (std::string* one :
       {&s.id, &s.name, &s.file, &s.source, &s.sha256, &s.folder, &s.tool_parser, &s.adapters_folder,
        &s.chat_template_file, &s.url, &s.upstream_model, &s.ca_file, &s.certificate_file, &s.key_file, &s.api_key})
    *one = text(random);
  s.llama_server = flag() ? "/usr/bin/llama-server" : "";
  s.vllm = flag() ? "/opt/vllm" : "";
  s.kind = static_cast<engines::EngineKind>(random.below(3));
  for (std::uint32_t* one : {&s.places, &s.context_tokens, &s.adapters_max, &s.adapters_rank, &s.copies, &s.threads})
    *one = number();
  for (bool* one : {&s.embeddings, &s.rerank, &s.shorter_vectors, &s.demo, &s.pinned, &s.gpu}) *one = flag();
  s.stop = texts(random);
  s.adapters.resize(random.below(3));
  for (engines::AdapterSettings& one : s.adapters) one = {text(random), text(random)};
  model.adapters.resize(random.below(3));
  for (CatalogueAdapter& one : model.adapters)
    one = {text(random), text(random), texts(random), aliases(random), flag(), card(random), card(random)};
  model.aliases = aliases(random);
  model.has_card = flag();
  model.da = card(random);
  model.en = card(random);
  model.version = random.below(1ULL << 32);
  return model;
}

TEST(PackedModel, GivesBackWhateverWasPacked) {
  std::vector<std::string> programs;
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SeededRandom random(seed);
    const CatalogueModel model = any_model(random);
    const PackedModel packed(model, programs);
    EXPECT_EQ(packed.unpacked(programs), model) << "seed " << seed;
    EXPECT_EQ(packed.id(), model.settings.id) << "seed " << seed;
    EXPECT_EQ(packed.name(), model.settings.name) << "seed " << seed;
    EXPECT_EQ(packed.version(), model.version) << "seed " << seed;
    EXPECT_EQ(packed.places(), model.settings.places) << "seed " << seed;
    EXPECT_EQ(packed.has_other_names(), !model.aliases.empty() || !model.adapters.empty()) << "seed " << seed;
  }
  EXPECT_LE(programs.size(), 3U);
}

TEST(PackedModel, KeepsItsIdWhereItIsWhenItMoves) {
  std::vector<std::string> programs;
  CatalogueModel model;
  model.settings.id = "a";
  PackedModel first(model, programs);
  const std::string_view id = first.id();
  const PackedModel second(std::move(first));
  EXPECT_EQ(second.id().data(), id.data());
}

}  // namespace
}  // namespace faelled::gateway
