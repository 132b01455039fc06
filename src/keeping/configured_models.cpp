#include "keeping/configured_models.hpp"

#include <fmt/format.h>

#include <fstream>

#include "engines/vllm_build.hpp"
#include "keeping/model_look.hpp"

namespace faelled::keeping {
namespace {

Expected<std::string> first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line) || line.empty())
    return fail(Errc::io, fmt::format("cannot read a key from {}", file.string()), "the file's first line is the key");
  while (line.ends_with('\r') || line.ends_with(' ')) line.pop_back();
  return line;
}

engines::EngineKind kind_of(config::Engine engine) {
  switch (engine) {
    case config::Engine::llama:
      return engines::EngineKind::llama;
    case config::Engine::vllm:
      return engines::EngineKind::vllm;
    case config::Engine::openai:
      break;
  }
  return engines::EngineKind::openai;
}

std::vector<gateway::Alias> aliases_of(const std::vector<config::Alias>& from) {
  std::vector<gateway::Alias> all;
  for (const config::Alias& alias : from)
    all.push_back({alias.name, alias.batch ? rpc::Lane::batch : rpc::Lane::interactive, alias.listed});
  return all;
}

gateway::CardText card_text(const config::CardText& text) { return {text.summary, text.good_for, text.where}; }

}  // namespace

bool holds_data(const std::filesystem::path& folder, const config::Config& config) {
  if (folder.empty()) return false;
  const auto data = std::filesystem::absolute(config.data).lexically_normal();
  const auto below = data.lexically_relative(std::filesystem::absolute(folder).lexically_normal());
  return !below.empty() && *below.begin() != "..";
}

std::filesystem::path models_folder(const config::Config& config) {
  return std::filesystem::absolute(config.data).lexically_normal() / "models";
}

Expected<fetch::Settings> fetch_settings(const config::Config& config) {
  const config::Downloads& from = config.downloads;
  fetch::Settings to;
  to.folder = models_folder(config);
  to.hub = from.hub;
  to.offline = from.offline;
  to.keep_free = from.keep_free;
  to.manners.rate = from.rate;
  to.manners.connect_max = limits::fetch_connect_max;
  to.manners.stall_max = limits::fetch_stall_max;
  if (!from.ca_file.empty()) to.manners.ca_file = std::filesystem::absolute(from.ca_file).string();
  if (!from.token_file.empty()) {
    auto token = first_line(from.token_file);
    if (!token) return std::unexpected(token.error());
    to.manners.token = std::move(*token);
    to.manners.token_origin = fetch::origin_of(from.hub);
  }
  return to;
}

Expected<gateway::CatalogueModel> catalogue_model(const config::Model& from, const config::Config& config,
                                                  const fetch::Depot& depot) {
  gateway::CatalogueModel model;
  engines::ModelSettings& to = model.settings;
  to.id = from.id;
  to.name = from.name;
  to.kind = kind_of(from.engine);
  to.places = from.concurrency;
  to.context_tokens = from.context_tokens;
  to.embeddings = from.embeddings;
  to.rerank = from.rerank;
  to.shorter_vectors = from.shorter_vectors;
  to.demo = from.demo;
  to.pinned = from.pinned;
  to.copies = from.copies;
  to.stop = from.stop;
  model.members = from.members;
  model.aliases = aliases_of(from.aliases);
  const auto absolute = [](const std::filesystem::path& path) {
    return path.empty() ? std::string() : std::filesystem::absolute(path).lexically_normal().string();
  };
  for (const config::Adapter& adapter : from.adapters) {
    to.adapters.push_back({adapter.name, absolute(adapter.path)});
    gateway::CatalogueAdapter& shown =
        model.adapters.emplace_back(from.id + ":" + adapter.name, adapter.name, adapter.members);
    shown.aliases = aliases_of(adapter.aliases);
    if (!adapter.card) continue;
    shown.has_card = true;
    shown.da = card_text(adapter.card->da);
    shown.en = card_text(adapter.card->en);
  }
  if (holds_data(from.adapters_folder, config))
    return fail(Errc::invalid,
                fmt::format("adapters_folder of model {} holds the data folder, which no engine may read", from.id),
                "name a folder that holds adapters alone");
  to.adapters_max = from.adapters_max;
  to.adapters_rank = from.adapters_rank;
  to.adapters_folder = absolute(from.adapters_folder);
  to.file = absolute(from.file);
  to.folder = absolute(from.folder);
  if (from.source) {
    to.source = from.source->text;
    const auto sha256 = from.sha256 ? from.sha256 : depot.remembered(*from.source);
    if (from.sha256) to.sha256 = crypto::hex(*from.sha256);
    if (sha256) fetched_path(to) = depot.place(*sha256, *from.source).string();
  }
  to.tool_parser = from.tool_parser;
  to.gpu =
      from.gpu.value_or(from.engine == config::Engine::vllm && !engines::vllm_for_processors(config.vllm.string()));
  to.threads = from.threads;
  to.chat_template_file = absolute(from.chat_template_file);
  to.llama_server = absolute(config.llama_server);
  to.vllm = absolute(config.vllm);
  to.url = from.url;
  to.ca_file = absolute(from.ca_file.path);
  to.certificate_file = absolute(from.certificate_file.path);
  to.key_file = absolute(from.key_file.path);
  to.upstream_model = from.upstream_model;
  if (!from.api_key_file.empty()) {
    auto key = first_line(from.api_key_file);
    if (!key) return std::unexpected(key.error());
    to.api_key = std::move(*key);
  }
  if (from.card) {
    model.has_card = true;
    model.da = card_text(from.card->da);
    model.en = card_text(from.card->en);
  }
  return model;
}

Expected<std::vector<gateway::CatalogueModel>> catalogue_models(const config::Config& config) {
  std::vector<gateway::CatalogueModel> all;
  all.reserve(config.models.size());
  fetch::Depot depot(models_folder(config));
  depot.look_once();
  for (const config::Model& from : config.models) {
    auto model = catalogue_model(from, config, depot);
    if (!model) return std::unexpected(model.error());
    all.push_back(std::move(*model));
  }
  return all;
}

}  // namespace faelled::keeping
