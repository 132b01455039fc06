#include "config/world.hpp"

#include <gtest/gtest.h>

#include <string>

namespace faelled::config {
namespace {

std::string problems_of(const std::string& text) {
  std::string all;
  for (const Problem& problem : parse_world(text).problems) all += describe(problem, "w.yaml") + "\n";
  return all;
}

TEST(World, TheFittedWorldHasThePublishedConstants) {
  const auto world = load_world(std::string(FAELLED_SOURCE_DIR) + "/bench/worlds/vtc-a10g.yaml");
  ASSERT_TRUE(world) << world.error().message;
  ASSERT_EQ(world->engines.size(), 1U);
  const sim::Pace& pace = world->engines[0].pace;
  EXPECT_DOUBLE_EQ(pace.prefill_s, 0.0471);
  EXPECT_DOUBLE_EQ(pace.prefill_token_s, 0.000226);
  EXPECT_DOUBLE_EQ(pace.decode_s, 0.0263);
  EXPECT_DOUBLE_EQ(pace.decode_request_s, 0.000222);
  EXPECT_DOUBLE_EQ(pace.decode_token_s, 1.11e-6);
  EXPECT_DOUBLE_EQ(pace.decode_longest_s, 3.55e-6);
  EXPECT_DOUBLE_EQ(pace.decode_request_longest_s, -0.161e-6);
  const auto& batching = std::get<sim::OracleBatching>(world->engines[0].batching);
  EXPECT_EQ(batching.kv_tokens, 10'000U);
  EXPECT_EQ(batching.kv_tokens_per_member, 32U);
  EXPECT_EQ(batching.prefill_tokens_max, 3'072U);
  EXPECT_EQ(batching.decode_steps_min, 10U);
  EXPECT_EQ(batching.looks_every, std::chrono::milliseconds(10));
  EXPECT_DOUBLE_EQ(world->jitter, 0.02);
}

TEST(World, ASecondDocumentIsAMistake) {
  const std::string first = "engines: [{id: p, kind: places, places: 40}]\n---\n";
  EXPECT_EQ(problems_of(first), "");
  EXPECT_TRUE(problems_of(first + "others: {wait_s: 30}\n").starts_with("w.yaml:3:1: a second document begins here"));
}

TEST(World, MembersHaveSharesAndPatienceAndOthersAreLikeOthers) {
  const auto parsed = parse_world(
      "engines: [{id: p, kind: places, places: 40}]\nothers: {wait_s: 30}\nmembers: [{id: a, share: 3}, {id: b, "
      "wait_s: "
      "1.5}]\n");
  EXPECT_TRUE(parsed.problems.empty());
  EXPECT_EQ(parsed.world.members.at(0).share, 3U);
  EXPECT_EQ(parsed.world.members.at(0).wait_max, std::chrono::seconds(30));
  EXPECT_EQ(parsed.world.members.at(1).wait_max, std::chrono::milliseconds(1500));
  EXPECT_EQ(parsed.world.others.share, 1U);
}

TEST(World, AnEngineThatKnowsNoLengthsHasBlocksAStepAndAWatermark) {
  const auto parsed = parse_world(
      "engines: [{id: g, kind: paged, decode_ms: 26, kv_tokens: 8000, block_tokens: 32, step_tokens_max: 512, "
      "requests_max: 64, watermark: 0.05}]\n");
  ASSERT_TRUE(parsed.problems.empty());
  const auto& batching = std::get<sim::PagedBatching>(parsed.world.engines[0].batching);
  EXPECT_EQ(batching.kv_tokens, 8'000U);
  EXPECT_EQ(batching.block_tokens, 32U);
  EXPECT_EQ(batching.step_tokens_max, 512U);
  EXPECT_EQ(batching.requests_max, 64U);
  EXPECT_DOUBLE_EQ(batching.watermark, 0.05);
  EXPECT_DOUBLE_EQ(parsed.world.engines[0].pace.decode_s, 0.026);
}

TEST(World, AKeyOfAnotherKindOfEngineIsAMistake) {
  const std::string said = problems_of(
      "engines: [{id: o, kind: oracle, decode_ms: 1, watermark: 0.1}, {id: g, kind: paged, decode_ms: 1, "
      "decode_steps_min: 2}, {id: p, kind: places, places: 1, decode_ms: 1}]\n");
  EXPECT_TRUE(said.contains("engines[0].watermark means nothing for an engine of kind oracle")) << said;
  EXPECT_TRUE(said.contains("engines[1].decode_steps_min means nothing for an engine of kind paged")) << said;
  EXPECT_TRUE(said.contains("engines[2].decode_ms means nothing for an engine of kind places")) << said;
}

TEST(World, EveryWorldOfTheBenchmarksIsInOrder) {
  for (const auto& file : std::filesystem::directory_iterator(std::string(FAELLED_SOURCE_DIR) + "/bench/worlds")) {
    const auto world = load_world(file.path());
    EXPECT_TRUE(world) << world.error().message;
  }
}

TEST(World, AMemoryHasSlotsOrModelsOfTheirOwnSizes) {
  const auto slots = parse_world("memory: {slots: 8, load_s: 2.5}\n");
  ASSERT_TRUE(slots.problems.empty());
  EXPECT_EQ(slots.world.memory->bytes, 8U);
  EXPECT_EQ(slots.world.memory->others->load, std::chrono::milliseconds(2500));
  const auto sized = parse_world("memory:\n  gb: 160\n  models: [{id: a, gb: 4.7, load_s: 5.1}, {id: b, gb: 40}]\n");
  ASSERT_TRUE(sized.problems.empty());
  EXPECT_EQ(sized.world.memory->bytes, 160'000'000'000U);
  EXPECT_EQ(sized.world.memory->models.at(0).bytes, 4'700'000'000U);
  EXPECT_FALSE(sized.world.memory->others);
}

TEST(World, AMemorysModelsAnswerInPlacesOrOnAnEngine) {
  const auto places = parse_world("memory: {slots: 2, places: 3, output_token_ms: 30, turn_s: 5}\n");
  ASSERT_TRUE(places.problems.empty());
  EXPECT_EQ(std::get<sim::Places>(places.world.memory->answers->batching).places, 3U);
  const auto paged = parse_world(
      "memory:\n  slots: 2\n  turn_s: 5\n  beside: 0.25\n  load_beside: 0.5\n"
      "  engine: {kind: paged, requests_max: 2, decode_ms: 12, decode_request_ms: 10}\n");
  ASSERT_TRUE(paged.problems.empty()) << paged.problems.front().message;
  EXPECT_EQ(paged.world.memory->beside, 0.25);
  EXPECT_EQ(paged.world.memory->load_beside, 0.5);
  EXPECT_EQ(paged.world.memory->answers->pace.decode_request_s, 0.010);
  EXPECT_EQ(std::get<sim::PagedBatching>(paged.world.memory->answers->batching).requests_max, 2U);
}

TEST(World, MistakesOfAMemoryAreTold) {
  EXPECT_TRUE(
      problems_of("memory: {slots: 2, engine: {kind: oracle, decode_ms: 1}}\n").contains("kind paged or places"));
  EXPECT_TRUE(problems_of("memory: {slots: 2, engine: {decode_ms: 1}}\n").contains("memory.engine.kind is missing"));
  EXPECT_TRUE(
      problems_of("memory: {slots: 2, engine: {kind: paged, decode_ms: 1, id: a}}\n").contains("unknown key 'id'"));
  EXPECT_TRUE(problems_of("memory: {slots: 2, places: 1, engine: {kind: paged, decode_ms: 1}}\n")
                  .contains("memory.places means nothing beside memory.engine"));
  EXPECT_TRUE(problems_of("memory: {slots: 2, places: 1, beside: 1}\n").contains("memory.beside means something to"));
  EXPECT_TRUE(problems_of("memory: {slots: 2, load_beside: 1}\n").contains("memory.load_beside means something to"));
  EXPECT_TRUE(problems_of("memory: {slots: 2, turn_s: 1}\n").contains("memory.turn_s means nothing without"));
  EXPECT_NE(problems_of("memory: {load_s: 3}\n").find("either slots or gb"), std::string::npos);
  EXPECT_NE(problems_of("memory: {slots: 8, gb: 4}\n").find("either slots or gb"), std::string::npos);
  EXPECT_NE(problems_of("memory: {slots: 8, models: [{id: a, gb: 1}]}\n").find("means nothing beside slots"),
            std::string::npos);
  EXPECT_NE(problems_of("memory: {gb: 8, load_s: 3}\n").find("means nothing beside gb"), std::string::npos);
  EXPECT_NE(problems_of("memory: {gb: 8, models: [{id: a}]}\n").find("gb is missing"), std::string::npos);
  EXPECT_NE(problems_of("memory: {gb: 8, models: [{id: a, gb: 1}, {id: a, gb: 1}]}\n").find("stands twice"),
            std::string::npos);
  EXPECT_NE(problems_of("memory: {slots: 8}\nengines: [{id: p, kind: places, places: 1}]\n").find("not both"),
            std::string::npos);
}

TEST(World, EveryMistakeIsToldWithItsLine) {
  const std::string said = problems_of(
      "engines:\n  - id: a\n    kind: places\n    places: 0\n    kv_tokens: 5\n  - kind: oracle\n    decod_ms: 3\n"
      "members:\n  - {id: x, share: 0}\njitter: 2\n");
  EXPECT_TRUE(said.contains("w.yaml:4:13: engines[0].places must be a whole number")) << said;
  EXPECT_TRUE(said.contains("engines[0].kv_tokens means nothing for an engine of kind places")) << said;
  EXPECT_TRUE(said.contains("engines[1].id is missing")) << said;
  EXPECT_TRUE(said.contains("did you mean 'decode_ms'?")) << said;
  EXPECT_TRUE(said.contains("members[0].share must be a whole number")) << said;
  EXPECT_TRUE(said.contains("jitter must be a number")) << said;
  EXPECT_TRUE(problems_of("members: []\n").contains("a world without an engine serves nobody"));
  EXPECT_TRUE(problems_of("engines: [").contains("this is no YAML"));
}

}  // namespace
}  // namespace faelled::config
