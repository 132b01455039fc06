#include "settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "keeping/configured_models.hpp"

namespace faelled::app {
namespace {

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

}  // namespace

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
  if (const auto models = keeping::catalogue_models(config); !models) all.push_back(models.error());
  if (const auto fetching = keeping::fetch_settings(config); !fetching) all.push_back(fetching.error());
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
