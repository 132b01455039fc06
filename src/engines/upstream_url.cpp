#include "engines/upstream_url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/whole_number.hpp"

namespace faelled::engines {

Expected<rpc::Endpoint> upstream_endpoint(const ModelSettings& model) {
  // The address is not repeated in messages: people write passwords into them.
  auto wrong = [&](std::string_view why, std::string hint) {
    return fail(Errc::invalid, fmt::format("model {}: url {}", model.id, why), std::move(hint));
  };
  std::string_view rest = model.url;
  const bool tls = rest.starts_with("https://");
  if (!tls && !rest.starts_with("http://"))
    return wrong("does not start with http:// or https://", "write http://HOST:PORT/v1");
  rest.remove_prefix(rest.find("//") + 2);
  auto authority = rest.substr(0, rest.find('/'));
  auto path = rest.substr(authority.size());
  while (path.ends_with('/')) path.remove_suffix(1);
  if (authority.find('@') != std::string_view::npos) {
    return wrong("holds a name or password", "put the key into a file and name it in api_key_file");
  }
  auto plain = [](char c) { return c > ' ' && c < 0x7f; };
  if (path.find_first_of("?#") != std::string_view::npos || !std::ranges::all_of(rest, plain)) {
    return wrong("holds more than host, port and path", "write http://HOST:PORT/v1");
  }

  rpc::Endpoint endpoint;
  endpoint.port = tls ? 443 : 80;
  endpoint.tls = tls;
  if (tls) {
    endpoint.ca_file = model.ca_file;
    endpoint.certificate_file = model.certificate_file;
    endpoint.key_file = model.key_file;
  }
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    auto close = authority.find(']');
    if (close == std::string_view::npos)
      return wrong("opens a bracket and does not close it", "write http://[::1]:PORT/v1");
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
  } else if (auto colon = authority.rfind(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (!port.empty()) {
    endpoint.port = port.starts_with(':') ? whole_number<std::uint16_t>(port.substr(1)).value_or(0) : 0;
    if (endpoint.port == 0) return wrong("has no valid port", "take a number from 1 to 65535");
  }
  if (host.empty()) return wrong("names no host", "write http://HOST:PORT/v1");
  endpoint.host = host;
  endpoint.base_path = path;
  if (!model.api_key.empty()) endpoint.authorization = "Bearer " + model.api_key;
  return endpoint;
}

}  // namespace faelled::engines
