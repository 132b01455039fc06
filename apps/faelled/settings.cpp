#include "settings.hpp"

#include <fmt/format.h>

#include <fstream>

namespace faelled::app {
namespace {

Expected<std::string> first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line) || line.empty())
    return fail(Errc::io, fmt::format("cannot read a key from {}", file.string()), "the file's first line is the key");
  while (line.ends_with('\r') || line.ends_with(' ')) line.pop_back();
  return line;
}

gateway::CardText card_text(const config::CardText& text) { return {text.summary, text.good_for, text.where}; }

}  // namespace

Expected<std::vector<gateway::CatalogueModel>> catalogue_models(const config::Config& config) {
  std::vector<gateway::CatalogueModel> all;
  for (const config::Model& from : config.models) {
    gateway::CatalogueModel model;
    engines::ModelSettings& to = model.settings;
    to.id = from.id;
    to.name = from.name;
    to.kind = from.engine == config::Engine::llama ? engines::EngineKind::llama : engines::EngineKind::openai;
    to.places = from.concurrency;
    to.context_tokens = from.context_tokens;
    to.embeddings = from.embeddings;
    to.demo = from.demo;
    to.stop = from.stop;
    const auto absolute = [](const std::filesystem::path& path) {
      return path.empty() ? std::string() : std::filesystem::absolute(path).lexically_normal().string();
    };
    to.file = absolute(from.file);
    to.threads = from.threads;
    to.chat_template_file = absolute(from.chat_template_file);
    to.llama_server = absolute(config.llama_server);
    to.url = from.url;
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
    all.push_back(std::move(model));
  }
  return all;
}

std::vector<members::ConfiguredKey> configured_keys(const config::Config& config) {
  std::vector<members::ConfiguredKey> all;
  for (const config::Key& key : config.keys) all.push_back({key.member, key.name, key.secret, key.user});
  return all;
}

http::ServerBounds server_bounds(const config::Config& config) {
  http::ServerBounds bounds;
  bounds.request.body_bytes_max = config.limits.body_bytes;
  bounds.connections_max = config.limits.connections;
  bounds.idle_max = config.limits.idle;
  bounds.head_max = config.limits.head;
  bounds.body_max = config.limits.body;
  bounds.write_stall_max = config.limits.write_stall;
  return bounds;
}

gateway::Settings gateway_settings(const config::Config& config) {
  return {config.limits.wait, config.limits.total, config.limits.silence, config.limits.keep_alive};
}

}  // namespace faelled::app
