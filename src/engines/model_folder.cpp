#include "engines/model_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <system_error>

#include "base/folder.hpp"
#include "base/limits.hpp"
#include "engines/memory_need.hpp"

namespace faelled::engines {

namespace {

namespace fs = std::filesystem;
using json::Value;

constexpr const char* name_the_folder = "name the folder that holds config.json and the model's .safetensors files";

std::unexpected<Error> refuse(const std::string& what, std::string_view why, std::string hint) {
  return fail(Errc::invalid, fmt::format("model file {}: {}", what, why), std::move(hint));
}

// The first of the names that is there, as a number of 1 to `most`; 0: none is, or it is null. Nothing: it is no such
// number.
std::optional<std::uint32_t> size_of(Value object, std::initializer_list<std::string_view> names, std::uint32_t most) {
  for (const auto name : names) {
    const auto value = object.find(name);
    if (!value || value->is_null()) continue;
    const auto number = value->integer();
    if (value->kind() != json::Kind::number || !number || *number < 1 || *number > most) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
  }
  return 0;
}

std::string type_in(Value object) {
  for (const auto name : {"dtype", "torch_dtype"}) {
    const auto value = object.find(name);
    if (!value) continue;
    for (const auto known : {"bfloat16", "float16", "float32"})
      if (value->text_is(known)) return known;
  }
  return {};
}

Expected<std::string> read_text(const fs::path& path, std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const bool gone = errno == ENOENT;
    return fail(gone ? Errc::not_found : Errc::io,
                fmt::format("model file {}: {}", path.string(), std::strerror(errno)),
                gone ? name_the_folder : "give the server's user the right to read it");
  }
  std::string text(bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > bytes_max) return refuse(path.string(), "it is larger than any model's", "fetch the file again");
  return text;
}

// Without an index each file in the folder is a whole of its own.
Expected<std::vector<Shard>> shards_in(const fs::path& folder, json::Document& document) {
  const auto index = folder / "model.safetensors.index.json";
  std::error_code error;
  if (fs::exists(index, error)) {
    auto text = read_text(index, limits::model_index_bytes_max);
    if (!text) return std::unexpected(text.error());
    return read_shards(*text, index.string(), document);
  }
  std::vector<Shard> shards;
  for (const auto& entry : entries_of(folder, error)) {
    if (entry.path().extension() != ".safetensors") continue;
    if (shards.size() == limits::model_shards_max)
      return refuse(folder.string(), "it holds more files than any model has", name_the_folder);
    shards.push_back({entry.path().filename().string(), {}});
  }
  if (error)
    return fail(Errc::io, fmt::format("model folder {}: {}", folder.string(), error.message()), "can it be read?");
  if (shards.empty()) {
    return refuse(folder.string(), "it holds no .safetensors file",
                  "name the model's own folder; other formats must be converted first");
  }
  return shards;
}

Expected<std::uint64_t> weigh(const fs::path& folder, json::Document& document) {
  const auto shards = shards_in(folder, document);
  if (!shards) return std::unexpected(shards.error());
  std::uint64_t bytes = 0;
  for (const Shard& shard : *shards) {
    const auto weights = read_safetensors_file((folder / shard.file).string(), document);
    if (!weights) return std::unexpected(weights.error());
    if (!std::ranges::includes(weights->tensors, shard.tensors)) {
      return refuse((folder / shard.file).string(), "it lacks tensors that the index says are in it",
                    "it belongs to another model or version; fetch all of its parts again");
    }
    bytes += weights->data_bytes;
  }
  return bytes;
}

bool has_chat_template(const fs::path& folder, json::Document& document) {
  std::error_code error;
  if (fs::exists(folder / "chat_template.jinja", error) || fs::exists(folder / "chat_template.json", error))
    return true;
  const auto text = read_text(folder / "tokenizer_config.json", limits::model_index_bytes_max);
  const auto root = text ? document.parse(*text) : Expected<Value>(fail(Errc::not_found, ""));
  return root && root->find("chat_template").value_or(Value()).kind() != json::Kind::null;
}

}  // namespace

Expected<ModelShape> read_model_shape(std::string_view config, const std::string& what, json::Document& document) {
  const auto root = document.parse(config);
  if (!root || root->kind() != json::Kind::object)
    return refuse(what, "it is no JSON object", "fetch the file again, or name the model's own folder");
  ModelShape shape;
  if (const auto names = root->find("architectures"); names && names->kind() == json::Kind::array && !names->is_empty())
    shape.architecture = (*names->items().begin()).text().value_or("");
  if (shape.architecture.empty() || shape.architecture.size() > limits::name_bytes_max) {
    return refuse(what, "it names no architecture", "name a model's folder; a tokenizer or an adapter alone is none");
  }
  const auto speaking = root->find("text_config").value_or(*root);
  shape.type = type_in(speaking);
  if (shape.type.empty()) shape.type = type_in(*root);
  const auto wrong = [&](std::string_view which) {
    return refuse(what, fmt::format("its {} cannot be", which), "fetch the file again");
  };
  const auto context = size_of(speaking, {"max_position_embeddings", "n_positions", "max_seq_len"}, 1'000'000'000);
  const auto layers = size_of(speaking, {"num_hidden_layers", "n_layer", "num_layers"}, 10'000);
  const auto heads = size_of(speaking, {"num_attention_heads", "n_head", "num_heads"}, 65'536);
  const auto kv_heads = size_of(speaking, {"num_key_value_heads", "num_kv_heads"}, 65'536);
  const auto head = size_of(speaking, {"head_dim"}, 65'536);
  const auto hidden = size_of(speaking, {"hidden_size", "n_embd", "d_model"}, 10'000'000);
  const auto latent = size_of(speaking, {"kv_lora_rank"}, 1'000'000);
  const auto rotary = size_of(speaking, {"qk_rope_head_dim"}, 1'000'000);
  if (!context) return wrong("context length");
  if (!layers || *layers == 0) return wrong("number of layers");
  if (!heads || *heads == 0 || !kv_heads || !head || !hidden || !latent || !rotary) return wrong("size of a layer");
  shape.context_tokens = *context;
  shape.layers = *layers;
  shape.kv_heads = *kv_heads == 0 ? *heads : *kv_heads;
  shape.head_values = *head == 0 ? *hidden / *heads : *head;
  shape.latent_values = *latent == 0 ? 0 : *latent + *rotary;
  shape.quantized = root->find("quantization_config").value_or(Value()).kind() == json::Kind::object;
  const auto feed = size_of(speaking, {"intermediate_size", "n_inner"}, 10'000'000);
  const auto experts = size_of(speaking, {"num_experts", "num_local_experts", "n_routed_experts"}, 100'000);
  const auto words = size_of(speaking, {"vocab_size"}, 100'000'000);
  if (!feed || !experts || !words) return wrong("size of a layer");
  const std::uint64_t wide = *feed == 0 ? product({4, *hidden}) : *feed;
  const std::uint64_t attention =
      product({4, *hidden}) + product({2, shape.head_values, std::uint64_t{*heads} + shape.kv_heads});
  const std::uint64_t feeds = product({3, *hidden + wide, std::max<std::uint32_t>(1, *experts)});
  shape.adapter_values = product({shape.layers, attention + feeds}) + 2 * (std::uint64_t{*hidden} + *words);
  if (shape.head_values == 0 && shape.latent_values == 0) return wrong("size of a layer");
  return shape;
}

Expected<std::vector<Shard>> read_shards(std::string_view index, const std::string& what, json::Document& document) {
  const auto root = document.parse(index);
  const auto map = root ? root->find("weight_map") : std::nullopt;
  if (!map || map->kind() != json::Kind::object || map->is_empty())
    return refuse(what, "it says of no tensor where it lies", "fetch the file again");
  if (map->count() > limits::safetensors_tensors_max)
    return refuse(what, "it counts more tensors than any model has", "fetch the file again");
  std::map<std::string, std::vector<std::string>> files;
  for (const json::Member member : map->members()) {
    auto file = member.value.text().value_or("");
    // It comes from outside and becomes a path.
    const bool plain = file.ends_with(".safetensors") && !file.starts_with('.') && file.size() <= 255 &&
                       std::ranges::all_of(file, [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != '\\'; });
    if (!plain) return refuse(what, "it names a file that is none of the folder's", "fetch the file again");
    files[std::move(file)].push_back(member.name.text().value_or(""));
    if (files.size() > limits::model_shards_max)
      return refuse(what, "it names more files than any model has", "fetch the file again");
  }
  std::vector<Shard> shards;
  for (auto& [file, tensors] : files) {
    std::ranges::sort(tensors);
    shards.push_back({file, std::move(tensors)});
  }
  return shards;
}

Expected<SafetensorsSummary> read_safetensors_file(const std::string& name, json::Document& document) {
  const fs::path path(name);
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error || !fs::is_regular_file(path, error)) {
    return fail(Errc::not_found, fmt::format("model file {}: it is not there, or no file", path.string()),
                "fetch the whole model again; each of its parts is needed");
  }
  std::array<std::byte, safetensors_prefix_bytes> prefix{};
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(Errc::io, fmt::format("model file {}: {}", path.string(), std::strerror(errno)),
                "give the server's user the right to read it");
  }
  file.read(reinterpret_cast<char*>(prefix.data()), prefix.size());
  const auto got = static_cast<std::size_t>(file.gcount());
  const auto end = safetensors_header_end(std::span(prefix).first(got), bytes, path.string());
  if (!end) return std::unexpected(end.error());
  std::string header(*end - safetensors_prefix_bytes, '\0');
  file.read(header.data(), static_cast<std::streamsize>(header.size()));
  header.resize(static_cast<std::size_t>(file.gcount()));
  return read_safetensors(header, bytes, path.string(), document);
}

Expected<SafetensorsSummary> read_tensors(const std::string& folder) {
  json::Document document;
  const auto shards = shards_in(folder, document);
  if (!shards) return std::unexpected(shards.error());
  SafetensorsSummary all;
  for (const Shard& shard : *shards) {
    auto one = read_safetensors_file((fs::path(folder) / shard.file).string(), document);
    if (!one) return one;
    std::ranges::move(one->tensors, std::back_inserter(all.tensors));
    std::ranges::move(one->shapes, std::back_inserter(all.shapes));
    all.data_bytes += one->data_bytes;
  }
  return all;
}

Expected<ModelFolder> read_model_folder(const std::string& path) {
  const fs::path folder(path);
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return fail(Errc::not_found, fmt::format("model folder {}: it is not there, or no folder", path), name_the_folder);
  }
  json::Document document;
  const auto config = read_text(folder / "config.json", limits::model_config_bytes_max);
  if (!config) return std::unexpected(config.error());
  auto shape = read_model_shape(*config, (folder / "config.json").string(), document);
  if (!shape) return std::unexpected(shape.error());
  const auto bytes = weigh(folder, document);
  if (!bytes) return std::unexpected(bytes.error());
  if (std::ranges::none_of(tokenizer_files, [&](auto name) { return fs::exists(folder / name, error); })) {
    return fail(Errc::not_found, fmt::format("model folder {}: it holds no tokenizer", path),
                "fetch the whole model; tokenizer.json is part of it");
  }
  ModelFolder out{std::move(*shape), *bytes, has_chat_template(folder, document), {}};
  const auto entries = entries_of(folder, error);
  if (error) return fail(Errc::io, fmt::format("model folder {}: {}", path, error.message()), "can it be read?");
  for (const auto& entry : entries) {
    if (!entry.is_symlink(error)) continue;
    const auto there = fs::canonical(entry.path(), error);
    if (!error && fs::is_regular_file(there, error)) out.elsewhere.push_back(there.string());
  }
  return out;
}

}  // namespace faelled::engines
