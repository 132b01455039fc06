#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/limits.hpp"
#include "config/models.hpp"
#include "json/document.hpp"

namespace faelled::config {
namespace {

constexpr auto whole_numbers = std::to_array<std::string_view>(
    {"concurrency", "context_tokens", "threads", "copies", "adapters_max", "adapters_rank"});
constexpr auto flags = std::to_array<std::string_view>({"embeddings", "rerank", "shorter_vectors", "demo", "pinned"});
constexpr auto mappings_and_lists = std::to_array<std::string_view>({"members", "stop", "aliases", "adapters", "card"});

// JSON is another language than YAML: what Document has proven becomes, value by value, the tree that a file would be,
// so that no escape, tag, anchor or bracket in a text is read as anything but text.
YAML::Node tree_of(const json::Value& value) {
  YAML::Node node;
  switch (value.kind()) {
    case json::Kind::null:
      break;
    case json::Kind::boolean:
    case json::Kind::number:
      node = std::string(value.raw());
      break;
    case json::Kind::text:
      node = value.text().value_or("");
      break;
    case json::Kind::array:
      node = YAML::Node(YAML::NodeType::Sequence);
      for (const json::Value item : value.items()) node.push_back(tree_of(item));
      break;
    case json::Kind::object:
      node = YAML::Node(YAML::NodeType::Map);
      for (const json::Member member : value.members())
        node.force_insert(member.name.text().value_or(""), tree_of(member.value));
      break;
  }
  return node;
}

// YAML cannot tell "4" from 4; whoever reads a definition back can.
void check_kinds(const json::Value& root, Problems& problems) {
  for (const json::Member member : root.members()) {
    const std::string name = member.name.text().value_or("");
    const json::Kind kind = member.value.kind();
    const auto one_of = [&](const auto& names) { return std::ranges::find(names, name) != names.end(); };
    if (kind == json::Kind::null || one_of(mappings_and_lists) || !one_of(keys::models)) continue;
    const json::Kind wanted = one_of(whole_numbers) ? json::Kind::number
                              : one_of(flags)       ? json::Kind::boolean
                                                    : json::Kind::text;
    const bool scalar = kind != json::Kind::array && kind != json::Kind::object;
    if (kind == wanted || !scalar) continue;
    const std::string key = "definition." + name;
    problems.add(YAML::Mark::null_mark(),
                 key + " must be " + json::kind_name(wanted) + ", not " + json::kind_name(kind), {}, key);
  }
}

}  // namespace

std::expected<Model, std::vector<Problem>> parse_model(std::string_view json) {
  Problems problems;
  std::optional<Model> model;
  const auto nowhere = YAML::Mark::null_mark();
  if (json.size() > limits::definition_bytes_max) {
    problems.add(nowhere, "the definition is " + std::to_string(json.size()) + " bytes long",
                 "at most " + std::to_string(limits::definition_bytes_max) + " are allowed");
  } else {
    json::Document document;
    if (const auto root = document.parse(json); !root) {
      problems.add(nowhere, "the definition is no JSON: " + root.error().message);
    } else if (root->kind() != json::Kind::object) {
      problems.add(nowhere, "the definition must be an object with the keys of one of models");
    } else {
      check_kinds(*root, problems);
      model = read_model(tree_of(*root), "definition", problems);
    }
  }
  std::vector<Problem> found = std::move(problems).in_file_order();
  if (!found.empty() || !model) return std::unexpected(std::move(found));
  return std::move(*model);
}

}  // namespace faelled::config
