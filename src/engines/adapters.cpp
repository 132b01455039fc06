#include "engines/adapters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "base/limits.hpp"
#include "engines/memory_need.hpp"

namespace faelled::engines {
namespace {

namespace fs = std::filesystem;
using Sizes = std::vector<std::uint64_t>;

constexpr const char* another_model = "take the adapter that was made for this model";

std::unexpected<Error> refuse(const std::string& what, std::string_view why, std::string hint) {
  return fail(Errc::invalid, fmt::format("adapter {}: {}", what, why), std::move(hint));
}

// Both halves of what is added to one matrix.
struct Pair {
  const Sizes* a = nullptr;
  const Sizes* b = nullptr;
};

std::optional<std::uint32_t> positive(json::Value value) {
  const auto number = value.integer();
  if (value.kind() != json::Kind::number || !number || *number < 1 || *number > 1'000'000) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

bool says_something(const std::optional<json::Value>& value) {
  if (!value || value->is_null()) return false;
  if (value->kind() == json::Kind::boolean) return value->boolean() == true;
  return (value->kind() != json::Kind::array && value->kind() != json::Kind::object) || !value->is_empty();
}

// Models that hear and see too are named in more than one way in front of their layers.
std::string_view from_layers_on(std::string_view name) {
  const auto at = name.rfind("layers.");
  if (at != std::string_view::npos) return name.substr(at);
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

std::string shape_text(const Sizes& sizes) {
  std::string out;
  for (const std::uint64_t size : sizes) out += (out.empty() ? "" : "×") + std::to_string(size);
  return out;
}

Expected<std::string> read_config(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(Errc::not_found, fmt::format("adapter {}: it cannot be read", path.string()),
                "name the folder that holds adapter_config.json and adapter_model.safetensors");
  }
  std::string text(limits::model_config_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > limits::model_config_bytes_max)
    return refuse(path.string(), "it is larger than any adapter's", "fetch the file again");
  return text;
}

Error as_adapter(Error error) {
  constexpr std::string_view before = "model file ";
  if (error.message.starts_with(before)) error.message.replace(0, before.size(), "adapter ");
  return error;
}

Expected<std::uint64_t> look(const ModelSettings& model, const SafetensorsSummary& tensors, bool shapes_count,
                             const fs::path& folder) {
  json::Document document;
  const auto config = read_config(folder / "adapter_config.json");
  if (!config) return std::unexpected(config.error());
  const auto rank = adapter_rank(*config, folder.string(), document);
  if (!rank) return std::unexpected(rank.error());
  if (*rank > rank_for(model.adapters_rank))
    return refuse(folder.string(),
                  fmt::format("its rank is {}, and the model takes {} at most", *rank, rank_for(model.adapters_rank)),
                  "set adapters_rank of the model");
  const auto file = (folder / "adapter_model.safetensors").string();
  const auto adapter = read_safetensors_file(file, document);
  if (!adapter) return std::unexpected(as_adapter(adapter.error()));
  if (auto fits = adapter_fits(tensors, shapes_count, *adapter, *rank, file); !fits)
    return std::unexpected(fits.error());
  return adapter->data_bytes;
}

Expected<std::uint64_t> look(const GgufSummary& model, const GgufDetails& of_model, const std::string& path) {
  GgufDetails details;
  const auto adapter = read_gguf_file(path, &details);
  if (!adapter) return std::unexpected(as_adapter(adapter.error()));
  if (auto fits = adapter_fits(model, of_model, *adapter, details, path); !fits) return std::unexpected(fits.error());
  return adapter->weight_bytes + reading_bytes(*adapter);
}

void take(Adapters& all, const ModelSettings& model, std::size_t number, const Expected<std::uint64_t>& looked) {
  if (!looked) {
    all.wrong.push_back({number, looked.error()});
    return;
  }
  all.usable.push_back(model.adapters[number]);
  if (model.kind == EngineKind::llama) all.bytes += *looked;
}

}  // namespace

std::uint32_t rank_for(std::uint32_t rank) {
  constexpr auto known = std::to_array<std::uint32_t>({1, 8, 16, 32, 64, 128, 256, 320, 512});
  const auto found = std::ranges::lower_bound(known, rank);
  return found == known.end() ? known.back() : *found;
}

Expected<void> adapter_fits(const GgufSummary& model, const GgufDetails& of_model, const GgufSummary& adapter,
                            const GgufDetails& of_adapter, const std::string& what) {
  if (of_adapter.type != "adapter" || of_adapter.adapter_type != "lora")
    return refuse(what, "it is no LoRA",
                  "name the GGUF file of an adapter; llama.cpp's convert_lora_to_gguf.py makes it");
  if (of_adapter.strange_adapter)
    return refuse(what, "it is an adapter of a kind that is not served here, or its header is damaged",
                  "take a plain LoRA");
  if (adapter.architecture != model.architecture)
    return refuse(what,
                  fmt::format("it was made for a model of architecture {}, and this one is {}",
                              adapter.architecture.substr(0, 64), model.architecture),
                  another_model);
  std::map<std::string_view, const Sizes*> there;
  for (const GgufTensor& tensor : of_model.tensors) there.emplace(tensor.name, &tensor.sizes);
  std::map<std::string_view, Pair> pairs;
  for (const GgufTensor& tensor : of_adapter.tensors) {
    std::string_view name = tensor.name;
    const bool a = name.ends_with(".lora_a");
    if (!a && !name.ends_with(".lora_b")) {
      if (name.ends_with("_norm.weight")) continue;  // left out by the engine
      return refuse(what, "it holds tensors that belong to no LoRA", "take a plain LoRA");
    }
    name.remove_suffix(std::string_view(".lora_a").size());
    const Sizes*& half = a ? pairs[name].a : pairs[name].b;
    if (half != nullptr) return refuse(what, fmt::format("it has {} twice", tensor.name), "fetch the file again");
    half = &tensor.sizes;
  }
  if (pairs.empty()) return refuse(what, "it changes nothing of a model", "take another one");
  for (const auto& [name, pair] : pairs) {
    const auto matrix = there.find(name);
    if (matrix == there.end())
      return refuse(what, fmt::format("it changes {}, which the model does not have", name), another_model);
    if (pair.a == nullptr || pair.b == nullptr)
      return refuse(what, fmt::format("of what it adds to {} one half is missing", name), "fetch the file again");
    const auto size = [](const Sizes& sizes, std::size_t at) { return at < sizes.size() ? sizes[at] : 1; };
    const Sizes &m = *matrix->second, &a = *pair.a, &b = *pair.b;
    const bool words = name.ends_with("token_embd.weight");  // there the halves lie the other way round
    const bool fits = words ? size(m, 0) == size(b, 1) && size(m, 1) == size(a, 1) && size(a, 0) == size(b, 0)
                            : size(m, 0) == size(a, 0) && size(m, 1) == size(b, 1) && size(a, 1) == size(b, 0);
    if (!fits)
      return refuse(what,
                    fmt::format("what it adds to {} has shapes {} and {}, and the model's is {}", name, shape_text(a),
                                shape_text(b), shape_text(m)),
                    another_model);
  }
  return {};
}

Expected<std::uint32_t> adapter_rank(std::string_view config, const std::string& what, json::Document& document) {
  const auto root = document.parse(config);
  if (!root || root->kind() != json::Kind::object)
    return refuse(what, "its adapter_config.json is no JSON object", "fetch the folder again");
  const auto kind = root->find("peft_type");
  if (!kind || !kind->text_is("LORA")) return refuse(what, "it is no LoRA", "take a plain LoRA, made with PEFT");
  const auto bias = root->find("bias");
  for (const auto* unserved : {"use_dora", "modules_to_save", "layer_replication", "alora_invocation_tokens",
                               "lora_bias", "use_qalora", "use_bdlora", "trainable_token_indices"}) {
    if (says_something(root->find(unserved)))
      return refuse(what, fmt::format("it has {}, which vLLM does not serve", unserved), "take a plain LoRA");
  }
  if (bias && !bias->is_null() && !bias->text_is("none"))
    return refuse(what, "it has biases, which vLLM does not serve", "take a plain LoRA");
  const auto r = root->find("r");
  const auto rank = r ? positive(*r) : std::nullopt;
  if (!rank) return refuse(what, "its rank (r) cannot be", "fetch the folder again");
  std::uint32_t largest = *rank;
  if (const auto each = root->find("rank_pattern"); each && each->kind() == json::Kind::object) {
    for (const json::Member member : each->members()) {
      const auto one = positive(member.value);
      if (!one) return refuse(what, "its rank_pattern cannot be", "fetch the folder again");
      largest = std::max(largest, *one);
    }
  }
  return largest;
}

Expected<void> adapter_fits(const SafetensorsSummary& model, bool shapes_count, const SafetensorsSummary& adapter,
                            std::uint32_t rank, const std::string& what) {
  std::multimap<std::string_view, const Sizes*> there;  // by the module; null: not a plain matrix
  for (std::size_t i = 0; i < model.tensors.size(); ++i) {
    const std::string_view name = model.tensors[i];
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos) continue;
    const bool matrix = name.substr(dot) == ".weight" && shapes_count && model.shapes[i].size() == 2;
    there.emplace(from_layers_on(name.substr(0, dot)), matrix ? &model.shapes[i] : nullptr);
  }
  std::map<std::string_view, Pair> pairs;
  for (std::size_t i = 0; i < adapter.tensors.size(); ++i) {
    std::string_view name = adapter.tensors[i];
    const auto a = name.find(".lora_A."), b = name.find(".lora_B.");
    const auto at = std::min(a, b);
    if (at == std::string_view::npos || !name.ends_with(".weight") || adapter.shapes[i].size() != 2)
      return refuse(what, fmt::format("it holds {}, which belongs to no plain LoRA", name.substr(0, 200)),
                    "take a plain LoRA, made with PEFT");
    Pair& pair = pairs[name.substr(0, at)];
    (a < b ? pair.a : pair.b) = &adapter.shapes[i];
  }
  for (const auto& [module, pair] : pairs) {
    const std::string_view name = module.substr(0, 200);
    const auto [begin, end] = there.equal_range(from_layers_on(module));
    if (begin == end)
      return refuse(what, fmt::format("it changes {}, which the model does not have", name), another_model);
    if (pair.a == nullptr || pair.b == nullptr)
      return refuse(what, fmt::format("of what it adds to {} one half is missing", name), "fetch the file again");
    const Sizes &a = *pair.a, &b = *pair.b;  // rank × in, out × rank
    if (a[0] != b[1] || a[0] > rank || a[0] == 0)
      return refuse(what, fmt::format("what it adds to {} has another rank than its adapter_config.json says", name),
                    "fetch the folder again");
    const bool fits = std::any_of(begin, end, [&](const auto& one) {
      return one.second == nullptr || ((*one.second)[0] == b[0] && (*one.second)[1] == a[1]);
    });
    if (!fits)
      return refuse(what,
                    fmt::format("what it adds to {} has shapes {} and {}, which are no shapes of the model's", name,
                                shape_text(a), shape_text(b)),
                    another_model);
  }
  return {};
}

Expected<void> look_at_adapters_folder(const ModelSettings& model) {
  std::error_code error;
  if (model.adapters_folder.empty() || fs::is_directory(model.adapters_folder, error)) return {};
  return fail(Errc::not_found, fmt::format("folder {}: it is not there, or no folder", model.adapters_folder),
              "make it, or correct adapters_folder");
}

Expected<Adapters> look_at_adapters(const ModelSettings& model) {
  Adapters all;
  if (model.adapters.empty()) return all;
  if (model.kind == EngineKind::llama) {
    GgufDetails details;
    const auto file = read_gguf_file(model.file, &details);
    if (!file) return std::unexpected(file.error());
    for (std::size_t i = 0; i < model.adapters.size(); ++i)
      take(all, model, i, look(*file, details, model.adapters[i].path));
  }
  if (model.kind == EngineKind::vllm) {
    const auto folder = read_model_folder(model.folder);
    if (!folder) return std::unexpected(folder.error());
    const auto tensors = read_tensors(model.folder);
    if (!tensors) return std::unexpected(tensors.error());
    for (std::size_t i = 0; i < model.adapters.size(); ++i)
      take(all, model, i, look(model, *tensors, !folder->shape.quantized, model.adapters[i].path));
  }
  return all;
}

}  // namespace faelled::engines
