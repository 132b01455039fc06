#include "config/world.hpp"

#include <yaml-cpp/yaml.h>

#include <array>
#include <set>
#include <span>
#include <string>

#include "config/document.hpp"
#include "config/fields.hpp"

namespace faelled::config {
namespace {

constexpr std::size_t engines_max = 1000;
constexpr std::size_t models_max = 1000;
constexpr double step_ms_max = 1e6;
constexpr double wait_s_max = 1e8;
constexpr double jitter_max = 0.2;
constexpr double beside_max = 10;
constexpr std::uint64_t count_max = 1'000'000'000;

constexpr auto top_keys = std::to_array<std::string_view>({"engines", "memory", "members", "others", "work", "jitter"});
constexpr auto memory_keys =
    std::to_array<std::string_view>({"slots", "gb", "load_s", "models", "places", "input_token_ms", "output_token_ms",
                                     "engine", "beside", "load_beside", "turn_s"});
constexpr auto shape_keys = std::to_array<std::string_view>({"id", "gb", "load_s"});
constexpr double gb_max = 1e6;
constexpr double bytes_of_gb = 1e9;
constexpr double load_s_max = 86'400;
constexpr auto member_keys = std::to_array<std::string_view>({"id", "share", "wait_s"});
constexpr auto others_keys = std::to_array<std::string_view>({"share", "wait_s"});
constexpr auto work_keys = std::to_array<std::string_view>({"input", "output"});
constexpr auto kinds = std::to_array<std::string_view>({"oracle", "paged", "places"});
enum Kind : std::size_t { oracle, paged, places };
constexpr auto engine_keys = std::to_array<std::string_view>({"id",
                                                              "models",
                                                              "kind",
                                                              "kv_tokens",
                                                              "prefill_ms",
                                                              "prefill_token_ms",
                                                              "decode_ms",
                                                              "decode_request_ms",
                                                              "decode_token_ms",
                                                              "decode_longest_ms",
                                                              "decode_request_longest_ms",
                                                              "kv_tokens_per_member",
                                                              "prefill_tokens_max",
                                                              "decode_steps_min",
                                                              "looks_every_s",
                                                              "block_tokens",
                                                              "step_tokens_max",
                                                              "requests_max",
                                                              "watermark",
                                                              "places",
                                                              "input_token_ms",
                                                              "output_token_ms"});
constexpr std::size_t of_engines = 2;      // so many of them are of `engines` alone, and not of memory.engine,
constexpr std::size_t every_kind = 3;      // so many say something to every kind of engine,
constexpr std::size_t both_batching = 11;  // those from there to here to oracle and paged,
constexpr auto own_keys = std::to_array<std::pair<std::size_t, std::size_t>>({{11, 15}, {15, 19}, {19, 22}});

bool says_something(std::size_t key, Kind kind) {
  if (key < every_kind) return true;
  if (key < both_batching) return kind != places;
  return key >= own_keys[kind].first && key < own_keys[kind].second;
}

template <class Number>
void take(Fields& fields, std::string_view key, Range range, Number& into) {
  if (const auto number = fields.number(key, range)) into = static_cast<Number>(*number);
}

void take_ms(Fields& fields, std::string_view key, double& seconds, double min_ms = 0) {
  if (const auto ms = fields.decimal(key, min_ms, step_ms_max)) seconds = *ms / 1000;
}

void read_pace(Fields& fields, sim::Pace& pace) {
  take_ms(fields, "prefill_ms", pace.prefill_s);
  take_ms(fields, "prefill_token_ms", pace.prefill_token_s);
  take_ms(fields, "decode_ms", pace.decode_s);
  take_ms(fields, "decode_request_ms", pace.decode_request_s);
  take_ms(fields, "decode_token_ms", pace.decode_token_s);
  take_ms(fields, "decode_longest_ms", pace.decode_longest_s);
  take_ms(fields, "decode_request_longest_ms", pace.decode_request_longest_s, -step_ms_max);
  if (!fields.has("decode_ms") && !fields.misspelt("decode_ms"))
    fields.wrong("decode_ms", fields.path("decode_ms") + " is missing", "milliseconds of a step, for example 26.3");
}

sim::OracleBatching read_oracle(Fields& fields) {
  sim::OracleBatching batching;
  take(fields, "kv_tokens", {1, count_max}, batching.kv_tokens);
  take(fields, "kv_tokens_per_member", {0, count_max}, batching.kv_tokens_per_member);
  take(fields, "prefill_tokens_max", {1, count_max}, batching.prefill_tokens_max);
  take(fields, "decode_steps_min", {0, count_max}, batching.decode_steps_min);
  if (const auto every = fields.seconds("looks_every_s", 1e-6, 60)) batching.looks_every = *every;
  return batching;
}

sim::PagedBatching read_paged(Fields& fields) {
  sim::PagedBatching batching;
  take(fields, "kv_tokens", {1, count_max}, batching.kv_tokens);
  take(fields, "block_tokens", {1, 1024}, batching.block_tokens);
  take(fields, "step_tokens_max", {1, count_max}, batching.step_tokens_max);
  take(fields, "requests_max", {1, 1'000'000}, batching.requests_max);
  if (const auto part = fields.decimal("watermark", 0, 0.5)) batching.watermark = *part;
  return batching;
}

sim::Places read_places(Fields& fields) {
  sim::Places batching;
  take(fields, "places", {1, 1'000'000}, batching.places);
  take_ms(fields, "input_token_ms", batching.input_token_s);
  take_ms(fields, "output_token_ms", batching.output_token_s);
  if (!fields.has("places") && !fields.misspelt("places"))
    fields.wrong("places", fields.path("places") + " is missing", "how many requests run at a time, for example 40");
  return batching;
}

// False: it is of no known kind, or says none.
bool read_kind(Fields& fields, sim::EngineModel& engine) {
  const auto kind = fields.choice("kind", kinds);
  if (!fields.has("kind") && !fields.misspelt("kind"))
    fields.wrong("kind", fields.path("kind") + " is missing", "one of oracle, paged, places");
  if (!kind) return false;
  for (std::size_t key = every_kind; key < engine_keys.size(); ++key)
    if (fields.has(engine_keys[key]) && !says_something(key, static_cast<Kind>(*kind)))
      fields.wrong(engine_keys[key],
                   fields.path(engine_keys[key]) + " means nothing for an engine of kind " + std::string(kinds[*kind]),
                   "remove it");
  if (*kind == places) {
    engine.batching = read_places(fields);
  } else {
    read_pace(fields, engine.pace);
    if (*kind == paged)
      engine.batching = read_paged(fields);
    else
      engine.batching = read_oracle(fields);
  }
  return true;
}

void read_engine(Problems& problems, const YAML::Node& node, const std::string& where, std::set<std::string>& ids,
                 sim::World& world) {
  Fields fields(problems, node, where, engine_keys);
  if (!node.IsMap()) return;
  sim::EngineModel engine;
  if (const auto id = fields.required("id", "id: a10g")) {
    engine.id = *id;
    if (!ids.insert(*id).second)
      fields.wrong("id", "engine " + in_quotes(*id) + " stands twice", "give each engine its own id");
  }
  fields.list("models", models_max, [&](const YAML::Node& model, const std::string& here) {
    if (!model.IsScalar() || model.Scalar().empty() || model.Scalar().size() > limits::name_bytes_max)
      problems.add(model, here + " must be the id of a model", "as the trace has it");
    else
      engine.models.push_back(model.Scalar());
  });
  if (read_kind(fields, engine)) world.engines.push_back(std::move(engine));
}

void read_shape(Problems& problems, const YAML::Node& node, const std::string& where, std::set<std::string>& ids,
                sim::Memory& memory) {
  Fields fields(problems, node, where, shape_keys);
  if (!node.IsMap()) return;
  sim::ModelShape shape;
  if (const auto load = fields.seconds("load_s", 0, load_s_max)) shape.load = *load;
  const auto gb = fields.decimal("gb", 1e-6, gb_max);
  if (gb) shape.bytes = static_cast<std::uint64_t>(*gb * bytes_of_gb);
  if (!gb && !fields.has("gb")) fields.wrong("gb", fields.path("gb") + " is missing", "its size, for example 4.7");
  const auto id = fields.required("id", "id: llama-3-8b");
  if (!id) return;
  if (!ids.insert(*id).second)
    return fields.wrong("id", "model " + in_quotes(*id) + " stands twice", "keep one of the two");
  shape.id = *id;
  memory.models.push_back(std::move(shape));
}

// How long answers take in a memory: places that are all alike, or an engine for each model that is there.
void read_answers(Problems& problems, Fields& fields, sim::Memory& memory) {
  if (const auto* node = fields.find("engine")) {
    Fields engine(problems, *node, "memory.engine", std::span(engine_keys).subspan(of_engines));
    if (node->IsMap()) read_kind(engine, memory.answers.emplace());
    if (memory.answers && std::holds_alternative<sim::OracleBatching>(memory.answers->batching))
      engine.wrong("kind", "memory.engine is of kind paged or places", "an oracle has no number of places");
    if (fields.has("places"))
      fields.wrong("places", "memory.places means nothing beside memory.engine", "keep one of the two");
  } else if (fields.has("places")) {
    memory.answers.emplace().batching = read_places(fields);
  }
  const bool paged = memory.answers && std::holds_alternative<sim::PagedBatching>(memory.answers->batching);
  for (const auto& [key, into] : {std::pair("beside", &memory.beside), std::pair("load_beside", &memory.load_beside)}) {
    if (const auto part = fields.decimal(key, 0, beside_max)) *into = *part;
    if (fields.has(key) && !paged)
      fields.wrong(key, fields.path(key) + " means something to a memory.engine of kind paged alone", "remove it");
  }
  if (const auto turn = fields.seconds("turn_s", 0, wait_s_max)) memory.turn = *turn;
  for (const auto* key : {"input_token_ms", "output_token_ms"})
    if (fields.has(key) && !fields.has("places"))
      fields.wrong(key, fields.path(key) + " means nothing without memory.places",
                   "say how many a model serves at once");
  if (fields.has("turn_s") && !fields.has("places") && !fields.has("engine"))
    fields.wrong("turn_s", "memory.turn_s means nothing without memory.places or memory.engine",
                 "say how many a model serves at once");
}

// Equal slots for whatever a trace asks for, or gigabytes and the models by name.
void read_memory(Problems& problems, const YAML::Node& node, sim::World& world) {
  Fields fields(problems, node, "memory", memory_keys);
  if (!node.IsMap()) return;
  sim::Memory& memory = world.memory.emplace();
  read_answers(problems, fields, memory);
  if (fields.has("slots") == fields.has("gb"))
    fields.wrong("slots", "memory needs either slots or gb", "slots: 8, or gb: 160 with models");
  if (fields.has("slots")) {
    take(fields, "slots", {1, 1'000'000}, memory.bytes);
    memory.others.emplace();
    if (const auto load = fields.seconds("load_s", 0, load_s_max)) memory.others->load = *load;
    if (fields.has("models"))
      fields.wrong("models", "memory.models means nothing beside slots",
                   "slots are alike: use gb, or remove the models");
    return;
  }
  if (const auto gb = fields.decimal("gb", 1e-6, gb_max)) memory.bytes = static_cast<std::uint64_t>(*gb * bytes_of_gb);
  if (fields.has("load_s"))
    fields.wrong("load_s", "memory.load_s means nothing beside gb", "each of the models has its own");
  std::set<std::string> ids;
  fields.list("models", models_max, [&](const YAML::Node& model, const std::string& where) {
    read_shape(problems, model, where, ids, memory);
  });
}

void read_member(Fields& fields, sim::WorldMember& member) {
  take(fields, "share", {1, 1'000'000}, member.share);
  if (const auto wait = fields.seconds("wait_s", 0, wait_s_max)) member.wait_max = *wait;
}

void read_members(Fields& top, Problems& problems, sim::World& world) {
  if (const auto* node = top.find("others")) {
    Fields fields(problems, *node, "others", others_keys);
    read_member(fields, world.others);
  }
  std::set<std::string> seen;
  top.list("members", limits::members_max, [&](const YAML::Node& node, const std::string& where) {
    Fields fields(problems, node, where, member_keys);
    sim::WorldMember member = world.others;
    read_member(fields, member);
    const auto id = fields.required("id", "id: aarhus");
    if (!id) return;
    if (!seen.insert(*id).second)
      return fields.wrong("id", "member " + in_quotes(*id) + " stands twice", "keep one of the two");
    member.id = *id;
    world.members.push_back(std::move(member));
  });
}

void read_world(Problems& problems, const YAML::Node& root, sim::World& world) {
  Fields top(problems, root, "", top_keys);
  if (!root.IsMap()) return;
  std::set<std::string> ids;
  top.list("engines", engines_max,
           [&](const YAML::Node& node, const std::string& where) { read_engine(problems, node, where, ids, world); });
  if (const auto* memory = top.find("memory")) {
    read_memory(problems, *memory, world);
    if (top.has("engines")) top.wrong("engines", "a world has engines or a memory, not both", "remove one of the two");
  } else if (const auto* engines = top.find("engines");
             !top.misspelt("engines") && !top.misspelt("memory") && (!engines || engines->size() == 0)) {
    top.wrong("engines", "engines is missing", "a world without an engine serves nobody");
  }
  read_members(top, problems, world);
  if (const auto* node = top.find("work")) {
    Fields fields(problems, *node, "work", work_keys);
    take(fields, "input", {0, 1'000'000}, world.work.input);
    take(fields, "output", {1, 1'000'000}, world.work.output);
  }
  if (const auto jitter = top.decimal("jitter", 0, jitter_max)) world.jitter = *jitter;
}

}  // namespace

ParsedWorld parse_world(std::string_view text) {
  ParsedWorld parsed;
  Problems problems;
  read_tree(text, problems, [&](const YAML::Node& root) { read_world(problems, root, parsed.world); });
  parsed.problems = std::move(problems).in_file_order();
  return parsed;
}

Expected<sim::World> load_world(const std::filesystem::path& path) {
  const auto text = read_text(path, "check the name; bench/worlds has some");
  if (!text) return std::unexpected(text.error());
  ParsedWorld parsed = parse_world(*text);
  if (parsed.problems.empty()) return std::move(parsed.world);
  return fail(Errc::invalid, describe(parsed.problems, path), "docs/simulation.md describes every key");
}

}  // namespace faelled::config
