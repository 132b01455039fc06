#include "config/adapters.hpp"

#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "base/plain_name.hpp"
#include "config/keys.hpp"
#include "config/naming.hpp"

namespace faelled::config {
namespace {

constexpr std::size_t path_bytes_max = 4096;

// It stands behind the model's id and a colon, and llama-server splits names and paths at commas.
bool is_adapter_name(std::string_view name) {
  return is_plain_name(name) && name.find_first_of(":,") == std::string_view::npos;
}

void read_path(Fields& fields, const std::filesystem::path& folder, Engine engine, Adapter& adapter) {
  const bool llama = engine == Engine::llama;
  const auto* other = llama ? "folder" : "file";
  if (const auto path = fields.required(llama ? "file" : "folder",
                                        llama ? "file: adapters/jura.gguf" : "folder: adapters/jura", path_bytes_max)) {
    adapter.path = (folder / *path).lexically_normal();
    if (llama && path->find(',') != std::string::npos)
      fields.wrong("file", fields.path("file") + " holds a comma, where llama-server splits paths", "rename the file");
  }
  if (fields.has(other))
    fields.wrong(other, fields.path(other) + " means nothing for an adapter of engine " + std::string(name_of(engine)),
                 llama ? "name the adapter's GGUF file with file" : "name the adapter's folder with folder");
}

void refuse(Fields& fields, std::string_view key, const std::string& why, const std::string& hint) {
  if (fields.has(key)) fields.wrong(key, fields.path(key) + " means nothing " + why, hint);
}

}  // namespace

std::vector<std::string> read_whom(Fields& fields, Problems& problems, std::string_view what) {
  std::vector<std::string> members;
  fields.list("members", limits::adapter_members_max, [&](const YAML::Node& node, const std::string& where) {
    if (!node.IsScalar() || node.Scalar().empty() || node.Scalar().size() > limits::name_bytes_max) {
      problems.add(node, where + " must be a member's id");
    } else {
      members.push_back(node.Scalar());
    }
  });
  // An empty list would be read as nobody by some, and means everybody.
  if (const auto* list = fields.find("members"); list != nullptr && list->IsSequence() && list->size() == 0)
    fields.wrong("members", fields.path("members") + " is empty",
                 "leave it out where everybody may use the " + std::string(what));
  return members;
}

std::string id_of(const Model& model, const Adapter& adapter) { return model.id + ":" + adapter.name; }

std::vector<Alias> aliases_of(const Model& model) {
  std::vector<Alias> all = model.aliases;
  for (const Adapter& adapter : model.adapters) all.insert(all.end(), adapter.aliases.begin(), adapter.aliases.end());
  return all;
}

void warn_of_shut_out(const std::vector<Model>& models, std::vector<Problem>& warnings) {
  for (const Model& model : models) {
    if (model.members.empty()) continue;
    for (const Adapter& adapter : model.adapters)
      for (const std::string& member : adapter.members)
        if (std::ranges::find(model.members, member) == model.members.end())
          warnings.push_back({.message = "adapter " + in_quotes(id_of(model, adapter)) + " is for the member " +
                                         in_quotes(member) + ", and its model is not",
                              .hint = "name the member in the model's members too, or not in the adapter's"});
  }
}

void read_adapters(Fields& fields, Problems& problems, const std::filesystem::path& folder, Model& model) {
  const bool pooled = model.embeddings || model.rerank;
  if (model.engine == Engine::openai || pooled) {
    const std::string why = pooled ? "for a model of vectors or rankings" : "for engine openai";
    for (const auto* key : {"adapters", "adapters_max", "adapters_rank", "adapters_folder"})
      refuse(fields, key, why, "remove it");
    return;
  }
  if (model.engine == Engine::llama)
    for (const auto* key : {"adapters_max", "adapters_rank", "adapters_folder"})
      refuse(fields, key, "for engine llama", "remove it");
  if (const auto most = fields.number("adapters_max", {1, limits::adapters_max}))
    model.adapters_max = static_cast<std::uint32_t>(*most);
  if (const auto rank = fields.number("adapters_rank", {1, limits::adapter_rank_max}))
    model.adapters_rank = static_cast<std::uint32_t>(*rank);
  if (const auto path = fields.text("adapters_folder", path_bytes_max))
    model.adapters_folder = (folder / *path).lexically_normal();
  fields.list("adapters", limits::adapters_max, [&](const YAML::Node& node, const std::string& where) {
    Fields entry(problems, node, where, keys::adapters);
    if (!node.IsMap()) return;
    Adapter adapter;
    if (const auto name = entry.required("name", "name: jura")) {
      adapter.name = *name;
      if (!is_adapter_name(*name))
        entry.wrong("name", entry.path("name") + " " + in_quotes(*name) + " is no name of an adapter",
                    "visible ASCII letters without spaces, quotes, backslashes, colons and commas");
      else if (std::ranges::find(model.adapters, *name, &Adapter::name) != model.adapters.end())
        return entry.wrong("name", "adapter " + in_quotes(*name) + " of model " + in_quotes(model.id) + " stands twice",
                           "give each adapter its own name");
      else if (model.id.size() + 1 + name->size() > limits::name_bytes_max)
        entry.wrong(
            "name",
            "model and adapter have a name of " + std::to_string(model.id.size() + 1 + name->size()) +
                " bytes together",
            "at most " + std::to_string(limits::name_bytes_max) + " are allowed: give one of them a shorter one");
    }
    read_path(entry, folder, model.engine, adapter);
    adapter.members = read_whom(entry, problems, "adapter");
    adapter.aliases = read_aliases(entry, problems);
    adapter.card = read_card(entry, problems);
    model.adapters.push_back(std::move(adapter));
  });
}

}  // namespace faelled::config
