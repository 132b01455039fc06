#include "keeping/model_look.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/byte_text.hpp"
#include "base/error_words.hpp"
#include "base/limits.hpp"
#include "engines/adapters.hpp"
#include "engines/gguf.hpp"
#include "engines/llama_server.hpp"
#include "engines/model_folder.hpp"
#include "engines/vllm_server.hpp"
#include "fetch/folder.hpp"

namespace faelled::keeping {
namespace {

using Looked = std::expected<engines::MemoryNeed, portal::WrongDefinition>;

Looked wrong(std::string key, const Error& error) {
  return std::unexpected(portal::WrongDefinition{std::move(key), in_words(error)});
}

Looked need_of_file(const engines::ModelSettings& settings, const char* where, const auto& file) {
  if (engines::lacks_template(settings, file.chat_template))
    return wrong("definition.chat_template_file",
                 {Errc::invalid, "the model has no chat template of its own", "name one in chat_template_file"});
  const auto adapters = engines::look_at_adapters(settings);
  if (!adapters) return wrong(where, adapters.error());
  if (!adapters->wrong.empty()) return wrong("definition.adapters", adapters->wrong.front().error);
  auto need = engines::memory_need(settings, file);
  if (!need) return wrong(where, need.error());
  need->weights += adapters->bytes;
  return *need;
}

// What the definition says of the file or folder.
const char* key_of(const engines::ModelSettings& settings) {
  if (!settings.source.empty()) return "definition.source";
  return settings.kind == engines::EngineKind::vllm ? "definition.folder" : "definition.file";
}

Looked looked_at_gguf(const engines::ModelSettings& settings, const Expected<engines::GgufSummary>& file) {
  if (!file) return wrong(key_of(settings), file.error());
  if (const auto context = engines::context_tokens_per_place(settings, *file); !context)
    return wrong("definition.context_tokens", context.error());
  if (const auto command = engines::llama_server_command(settings, *file, "/any.sock", {}); !command)
    return wrong("definition", command.error());
  return need_of_file(settings, key_of(settings), *file);
}

// A file at its source.
class FarFile final : public engines::ByteSource {
 public:
  FarFile(fetch::Peek& peek, std::uint64_t bytes) : peek_(peek), bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_; }
  std::size_t read(std::uint64_t offset, std::span<std::byte> out) override {
    const std::size_t there = offset < bytes_ ? std::min<std::uint64_t>(out.size(), bytes_ - offset) : 0;
    const std::size_t n = peek_.read(offset, out.first(there));
    gave_less_ = gave_less_ || n < there;
    return n;
  }
  bool gave_less() const { return gave_less_; }  // its server, so that nothing follows from what was read

 private:
  fetch::Peek& peek_;
  std::uint64_t bytes_;
  bool gave_less_ = false;
};

Looked looked_at_folder(const engines::ModelSettings& settings, const Expected<engines::ModelFolder>& folder) {
  if (!folder) return wrong(key_of(settings), folder.error());
  if (const auto there = engines::look_at_adapters_folder(settings); !there)
    return wrong("definition.adapters_folder", there.error());
  if (const auto context = engines::context_tokens_per_place(settings, folder->shape); !context)
    return wrong("definition.context_tokens", context.error());
  return need_of_file(settings, key_of(settings), *folder);
}

// Whether a conversation can become a prompt, as far as its source says; where it does not, it is known when it is
// here.
bool may_have_template(const fetch::Source& source, const fetch::Listing& listing, const fetch::Settings& how,
                       const std::atomic<bool>& stop) {
  if (listing.find("chat_template.jinja") != nullptr || listing.find("chat_template.json") != nullptr) return true;
  const fetch::ListedFile* file = listing.find("tokenizer_config.json");
  if (file == nullptr) return false;
  const auto text = fetch::read_listed(source, listing, *file, limits::model_index_bytes_max, how, stop);
  json::Document document;
  const auto root = text ? document.parse(*text) : Expected<json::Value>(fail(Errc::not_found, ""));
  return !root || root->find("chat_template").value_or(json::Value()).kind() != json::Kind::null;
}

// How large its weights are, by its index where its server gives that.
Expected<std::uint64_t> weight_bytes_of(const fetch::Source& source, const fetch::Listing& listing,
                                        const fetch::Settings& how, const std::atomic<bool>& stop) {
  std::uint64_t bytes = 0;
  for (const fetch::ListedFile& file : listing.files)
    if (fetch::holds_weights(file.name)) bytes += file.bytes;
  const fetch::ListedFile* index = listing.find("model.safetensors.index.json");
  if (index == nullptr) return bytes;
  const auto text = fetch::read_listed(source, listing, *index, limits::model_index_bytes_max, how, stop);
  if (!text) return bytes;
  json::Document document;
  const auto shards = engines::read_shards(*text, source.text + " " + index->name, document);
  if (!shards) return std::unexpected(shards.error());
  bytes = 0;
  for (const engines::Shard& shard : *shards) {
    const fetch::ListedFile* file = listing.find(shard.file);
    if (!fetch::holds_weights(shard.file))
      return fail(Errc::invalid,
                  source.text + " keeps weights in " + shard.file + ", and only model*.safetensors is taken",
                  "fetch it by other means, and name its folder in folder in place of source");
    if (file == nullptr)
      return fail(Errc::invalid, source.text + " lacks " + shard.file + ", which its index names",
                  "is it published whole? Name another revision, or ask whoever publishes it");
    bytes += file->bytes;
  }
  return bytes;
}

// By what is listed and its config.json: the weights take what their files do, but for their headers. Nothing: its
// server does not give that file now.
std::optional<Looked> looked_at_far_folder(const engines::ModelSettings& settings, const fetch::Source& source,
                                           const fetch::Listing& listing, const fetch::Settings& how,
                                           const std::atomic<bool>& stop) {
  const auto config =
      fetch::read_listed(source, listing, *listing.find("config.json"), limits::model_config_bytes_max, how, stop);
  if (!config) {
    if (config.error().retries() || config.error().fault == fetch::Fault::cancelled) return std::nullopt;
    return wrong(key_of(settings), {Errc::invalid, config.error().message, config.error().hint});
  }
  json::Document document;
  auto shape = engines::read_model_shape(*config, source.text + " config.json", document);
  if (!shape) return wrong(key_of(settings), shape.error());
  if (std::ranges::none_of(engines::tokenizer_files, [&](auto name) { return listing.find(name) != nullptr; }))
    return wrong(key_of(settings), {Errc::invalid, source.text + " holds no tokenizer",
                                    "is it published whole? tokenizer.json is part of a model"});
  const auto weights = weight_bytes_of(source, listing, how, stop);
  if (!weights) return wrong(key_of(settings), weights.error());
  return looked_at_folder(
      settings, engines::ModelFolder{std::move(*shape), *weights, may_have_template(source, listing, how, stop), {}});
}

}  // namespace

Looked looked_at(const engines::ModelSettings& settings) {
  if (settings.kind == engines::EngineKind::vllm)
    return looked_at_folder(settings, engines::read_model_folder(settings.folder));
  return looked_at_gguf(settings, engines::read_gguf_file(settings.file));
}

std::string& fetched_path(engines::ModelSettings& settings) {
  return settings.kind == engines::EngineKind::vllm ? settings.folder : settings.file;
}
const std::string& fetched_path(const engines::ModelSettings& settings) {
  return settings.kind == engines::EngineKind::vllm ? settings.folder : settings.file;
}

bool is_away(const engines::ModelSettings& settings) {
  const std::string& path = fetched_path(settings);
  return !settings.source.empty() && (path.empty() || ::access(path.c_str(), R_OK) != 0);
}

fetch::Order order_of(const engines::ModelSettings& settings) {
  return {fetch::parse_source(settings.source).value(), crypto::from_hex(settings.sha256)};
}

std::uint64_t Memories::of(const engines::ModelSettings& model) const {
  if (!model.gpu) return machine;
  return model.spreads() ? together : gpu;
}

portal::ModelFit fit_of(const engines::ModelSettings& settings, const engines::MemoryNeed& need,
                        const Memories& memories) {
  const std::uint64_t memory = memories.of(settings);
  portal::ModelFit fit{need.weights, need.kv_cache, need.working, memory, {}};
  if (settings.gpu && memory == 0 && memories.together > 0)
    fit.why_not = "it is to lie on one GPU, and this server has them in groups alone";
  else if (settings.gpu && memory == 0)
    fit.why_not = "it is to lie on a GPU, and this server has none";
  else if (need.total() > memory)
    fit.why_not = "it needs " + byte_text(need.total(), Rounded::up) + " of memory, and " +
                  (settings.gpu && memory < memories.together ? "one GPU has " : "there are ") +
                  byte_text(memory, Rounded::down) + " for models";
  return fit;
}

portal::ModelFit looked_at_source(engines::ModelSettings settings, const fetch::Settings& how,
                                  const std::atomic<bool>& stop, const Memories& memories) {
  portal::ModelFit fit;
  fit.memory = memories.of(settings);
  const fetch::Order order = order_of(settings);
  std::optional<fetch::Listing> listing;
  auto found = [&]() -> std::expected<fetch::Found, fetch::Failure> {
    if (!order.source.is_folder()) return fetch::look_at(order, how, stop);
    auto folder = fetch::look_at_folder(order.source, how, stop);
    if (!folder) return std::unexpected(folder.error());
    listing = std::move(folder->listing);
    return folder->found;
  }();
  if (!found) {
    const bool hash = found.error().fault == fetch::Fault::wrong || found.error().fault == fetch::Fault::no_hash;
    fit.wrong = portal::WrongDefinition{hash && !order.source.is_folder() ? "definition.sha256" : "definition.source",
                                        found.error().in_words()};
    return fit;
  }
  const auto here = fetch::Depot(how.folder).find(found->sha256);
  const portal::FileOffer offer{here.has_value(), found->bytes, crypto::hex(found->sha256), found->why_no_room,
                                listing ? listing->commit : std::string()};
  Looked need = std::unexpected(portal::WrongDefinition{});
  if (here) {
    fetched_path(settings) = here->string();
    need = looked_at(settings);
  } else if (listing) {
    need = looked_at_far_folder(settings, order.source, *listing, how, stop).value_or(need);
  } else if (found->bytes > 0) {
    fetch::Peek peek(order, how, stop);
    FarFile far(peek, found->bytes);
    const auto summary = engines::read_gguf(far, order.source.text);
    if (summary || !far.gave_less()) need = looked_at_gguf(settings, summary);
  }
  if (need) {
    fit = fit_of(settings, *need, memories);
  } else if (!need.error().key.empty()) {
    fit.wrong = need.error();
  }
  fit.offer = offer;
  return fit;
}

}  // namespace faelled::keeping
