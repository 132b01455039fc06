#include "settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "engines/vllm_build.hpp"
#include "model_look.hpp"

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

// One secret a line: the new one and, while the front end is being changed over, the old one.
Expected<std::vector<std::string>> secrets_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> secrets;
  for (std::string line; std::getline(in, line);) {
    while (line.ends_with('\r') || line.ends_with(' ')) line.pop_back();
    if (line.empty()) continue;
    if (line.size() < limits::front_end_secret_bytes_min)
      return fail(Errc::invalid,
                  fmt::format("the secret in {} is shorter than {} characters", file.string(),
                              limits::front_end_secret_bytes_min),
                  "make one with 'openssl rand -hex 32' and give the front end the same");
    secrets.push_back(std::move(line));
  }
  if (secrets.empty() || secrets.size() > 2)
    return fail(Errc::invalid, fmt::format("{} holds {} secrets", file.string(), secrets.size()),
                "write one into it, or on two lines the new and the old one");
  return secrets;
}

front_ends::MemberRule rule_of(const config::FrontEndRule& from) {
  using By = front_ends::MemberRule::By;
  if (!from.email_domain.empty()) return {By::email_domain, {}, from.email_domain, from.member};
  if (!from.group.empty()) return {By::group, {}, from.group, from.member};
  return {By::claim, from.claim, from.value, from.member};
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

Expected<std::vector<front_ends::FrontEnd>> front_ends_of(const config::Config& config) {
  std::vector<front_ends::FrontEnd> all;
  for (const config::FrontEnd& from : config.front_ends) {
    front_ends::FrontEnd to;
    to.name = from.name;
    to.key_member = from.key_member;
    to.key_name = from.key_name;
    to.certificate = from.certificate;
    to.token_header = from.token_header;
    to.token.issuer = from.token_issuer;
    to.token.clock_skew = from.token_clock_skew;
    if (!from.token_secret_file.empty()) {
      auto secrets = secrets_in(from.token_secret_file);
      if (!secrets) return std::unexpected(secrets.error());
      to.token.secrets = std::move(*secrets);
    }
    to.groups_header = from.groups_header;
    to.key_without_person = from.key_without_person;
    to.keep_name = from.keep_name;
    to.keep_email = from.keep_email;
    std::vector<front_ends::MemberRule> rules;
    for (const config::FrontEndRule& rule : from.members) rules.push_back(rule_of(rule));
    to.members = front_ends::MemberMap(std::move(rules), from.default_member);
    all.push_back(std::move(to));
  }
  return all;
}

std::vector<Error> refusals_of(const config::Config& config) {
  std::vector<Error> all;
  if (const auto models = catalogue_models(config); !models) all.push_back(models.error());
  if (const auto fetching = fetch_settings(config); !fetching) all.push_back(fetching.error());
  if (const auto front_ends = front_ends_of(config); !front_ends) all.push_back(front_ends.error());
  return all;
}

std::vector<members::ConfiguredKey> configured_keys(const config::Config& config) {
  std::vector<members::ConfiguredKey> all;
  for (const config::Key& key : config.keys) {
    const auto named = std::ranges::find(config.members, key.member, &config::Member::id);
    all.push_back({key.member, key.name, key.secret, key.user, static_cast<store::ShowWaiting>(key.show_waiting),
                   named == config.members.end() ? "" : named->name});
  }
  return all;
}

http::ServerBounds server_bounds(const config::Config& config) {
  http::ServerBounds bounds;
  bounds.request.body_bytes_max = config.limits.body_bytes;
  bounds.connections_max = config.limits.connections;
  bounds.handshake_max = config.limits.handshake;
  bounds.idle_max = config.limits.idle;
  bounds.head_max = config.limits.head;
  bounds.body_max = config.limits.body;
  bounds.write_stall_max = config.limits.write_stall;
  return bounds;
}

http::TrustedProxies trusted_proxies(const config::Config& config) {
  http::TrustedProxies all;
  for (const config::TrustedProxy& proxy : config.trusted_proxies) {
    if (!proxy.address.empty()) all.add_network(proxy.address);
    if (!proxy.certificate.empty()) all.add_certificate(proxy.certificate);
  }
  return all;
}

gateway::Settings gateway_settings(const config::Config& config) {
  return {config.limits.wait, config.limits.total, config.limits.silence, config.limits.keep_alive};
}

mesh::Mesh::Settings mesh_settings(const config::Config& config, const gateway::Catalogue& catalogue) {
  constexpr double never = 2;
  const std::vector<std::string_view> names = catalogue.names();
  mesh::Mesh::Settings settings{{names.begin(), names.end()}};
  settings.residency.turn_least = config.residency.turn;
  settings.residency.promise_least = config.residency.promise;
  settings.residency.unused_after = config.residency.unused_after;
  settings.residency.idle_w = config.residency.idle_w;
  settings.residency.load_w = config.residency.load_w;
  settings.residency.wait_w = config.residency.wait_w;
  settings.residency.patience = config.residency.patience;
  if (!config.residency.warm) settings.residency.habit_least = never;
  settings.commons.waiting_max = static_cast<std::uint32_t>(config.limits.waiting);
  return settings;
}

}  // namespace faelled::app
