#include "config/edge.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "base/whole_number.hpp"
#include "config/keys.hpp"

namespace faelled::config {
namespace {

constexpr std::size_t path_bytes_max = 4096;
constexpr std::size_t proxies_max = 1000;

bool is_address(const std::string& host) {
  unsigned char raw[16];
  return inet_pton(AF_INET, host.c_str(), raw) == 1 || inet_pton(AF_INET6, host.c_str(), raw) == 1;
}

// "127.0.0.1:9400", "[::1]:9400", "localhost:9400".
std::optional<Listen> read_listen(Fields& fields) {
  const auto text = fields.text("listen");
  if (!text) return std::nullopt;
  const std::string here = fields.path("listen") + " " + in_quotes(*text);
  const auto wrong = [&](const std::string& why, const std::string& way_out) {
    fields.wrong("listen", here + why, way_out);
    return std::nullopt;
  };
  const auto hint = "write ADDRESS:PORT, for example 127.0.0.1:9400 or [::1]:9400";
  const auto colon = text->rfind(':');
  if (colon == std::string::npos) {
    return wrong(" has no port", hint);
  }
  std::string host = text->substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  if (!is_address(host) || (host.find(':') != std::string::npos) != bracketed) {
    return wrong(" has no IP address before the port", hint);
  }
  const auto port = whole_number<std::uint16_t>(std::string_view(*text).substr(colon + 1));
  if (!port) return wrong(" has a bad port", "a port is a number from 0 (any free one) to 65535");
  return Listen{host, *port};
}

// "10.0.0.5", "10.0.0.0/8", "2001:db8::/32".
bool is_network(const std::string& text) {
  const std::string address = text.substr(0, text.find('/'));
  if (!is_address(address)) return false;
  if (address.size() == text.size()) return true;
  const auto bits = whole_number<unsigned>(std::string_view(text).substr(address.size() + 1));
  return bits && *bits <= (address.contains(':') ? 128U : 32U);
}

// Whether the second could not be bound beside the first. That "::" may mean the other family too is the system's
// choice.
bool collide(const Listen& one, const Listen& other) {
  const auto any = [](const Listen& listen) { return listen.host == "0.0.0.0" || listen.host == "::"; };
  if (one.port == 0 || one.port != other.port) return false;
  return one.host == other.host || ((any(one) || any(other)) && one.host.contains(':') == other.host.contains(':'));
}

bool is_loopback(const Listen& listen) { return listen.host == "::1" || listen.host.starts_with("127."); }

void read_tls(Fields& top, Problems& problems, const std::filesystem::path& folder, Config& config) {
  static constexpr auto asked = std::to_array<std::string_view>({"none", "optional", "required"});
  const auto* node = top.find("tls");
  if (!node) return;
  Fields fields(problems, *node, "tls", keys::tls);
  if (!node->IsMap()) return;
  Tls& tls = config.tls.emplace();
  tls.listen = read_listen(fields);
  if (tls.listen && collide(*tls.listen, config.listen))
    fields.wrong("listen", "tls.listen is where listen is already",
                 "give TLS a port of its own, or leave tls.listen out so that listen speaks TLS");
  if (fields.required("certificate", "certificate: faelled.crt", path_bytes_max))
    tls.certificate = named_file(fields, "certificate", folder);
  if (fields.required("key", "key: faelled.key", path_bytes_max)) tls.key = named_file(fields, "key", folder);
  tls.client_ca = named_file(fields, "client_ca", folder);
  const auto choice = fields.choice("client_certificates", asked);
  tls.client_certificates = static_cast<ClientCertificates>(choice.value_or(0));
  const bool asks = tls.client_certificates != ClientCertificates::none;
  if (asks && !fields.has("client_ca")) {
    fields.wrong("client_certificates", "tls.client_certificates asks for what tls.client_ca must vouch for",
                 "add client_ca: the certificates of those whose word counts, as PEM");
  }
  if (!asks && fields.has("client_ca") && (choice || !fields.has("client_certificates"))) {
    fields.wrong("client_ca", "tls.client_ca means nothing while client_certificates is none",
                 "add 'client_certificates: optional' or 'required'");
  }
  if (tls.listen && !is_loopback(config.listen)) {
    const auto* listen = top.find("listen");
    const YAML::Mark mark = listen ? listen->Mark() : node->Mark();
    config.warnings.push_back({static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1,
                               "listen is open to other machines without TLS, beside tls.listen",
                               "write 127.0.0.1 there, or leave out tls.listen so that listen speaks TLS"});
  }
}

void read_proxies(Fields& top, Problems& problems, Config& config) {
  top.list("trusted_proxies", proxies_max, [&](const YAML::Node& node, const std::string& where) {
    Fields fields(problems, node, where, keys::trusted_proxies);
    if (!node.IsMap()) return;
    const auto address = fields.text("address");
    const auto certificate = fields.text("certificate");
    if (fields.has("address") == fields.has("certificate"))
      return problems.add(node, where + " must have either address or certificate",
                          "for example { address: 10.0.0.5 } or { certificate: proxy.example.dk }");
    if (address && !is_network(*address))
      return fields.wrong("address", fields.path("address") + " " + in_quotes(*address) + " is no address or network",
                          "for example 10.0.0.5, 10.0.0.0/8 or 2001:db8::/32");
    if (certificate && (!config.tls || config.tls->client_certificates == ClientCertificates::none))
      return fields.wrong("certificate",
                          fields.path("certificate") + " is never seen: no client certificate is asked for",
                          "set tls.client_ca and tls.client_certificates");
    if (address || certificate) config.trusted_proxies.push_back({address.value_or(""), certificate.value_or("")});
  });
}

}  // namespace

NamedFile named_file(Fields& fields, std::string_view key, const std::filesystem::path& folder) {
  const YAML::Node* node = fields.find(key);
  const auto text = node ? fields.text(key, path_bytes_max) : std::nullopt;
  if (!text) return {};
  return {(folder / *text).lexically_normal(), static_cast<std::size_t>(node->Mark().line) + 1,
          static_cast<std::size_t>(node->Mark().column) + 1};
}

void read_edge(Fields& top, Problems& problems, const std::filesystem::path& folder, Config& config) {
  if (const auto listen = read_listen(top)) config.listen = *listen;
  read_tls(top, problems, folder, config);
  read_proxies(top, problems, config);
}

}  // namespace faelled::config
