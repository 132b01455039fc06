#include "listeners.hpp"

#include <fmt/format.h>

#include <utility>

namespace faelled::app {
namespace {

std::string url_of(std::string_view scheme, const config::Listen& listen, std::uint16_t port) {
  std::string host = listen.host == "0.0.0.0" ? "127.0.0.1" : listen.host == "::" ? "::1" : listen.host;
  if (host.contains(':')) host = "[" + host + "]";
  return fmt::format("{}://{}:{}", scheme, host, port);
}

}  // namespace

Expected<Listeners> Listeners::open(const Process& process, const store::DataFolder& folder) {
  const config::Config& config = process.config;
  Listeners all;
  auto first = net::Listener::tcp(process.loop, config.listen.host, config.listen.port);
  if (!first) return std::unexpected(first.error());
  auto owner = net::Listener::unix_socket(process.loop, folder.control_socket().string());
  if (!owner) return std::unexpected(owner.error());
  all.owner_.emplace(std::move(*owner));
  const bool all_under_tls = config.tls && !config.tls->listen;
  all.local_url_ = url_of(all_under_tls ? "https" : "http", config.listen, first->port());
  (all_under_tls ? all.secure_ : all.plain_).emplace(std::move(*first));
  if (config.tls) {
    auto edge = TlsEdge::open(*config.tls, process.loop, process.log, process.metrics, process.clock);
    if (!edge) return std::unexpected(edge.error());
    all.tls_ = std::move(*edge);
  }
  if (config.tls && config.tls->listen) {
    auto own = net::Listener::tcp(process.loop, config.tls->listen->host, config.tls->listen->port);
    if (!own) return std::unexpected(own.error());
    all.plain_url_ = std::exchange(all.local_url_, url_of("https", *config.tls->listen, own->port()));
    all.secure_.emplace(std::move(*own));
  }
  all.url_ = config.public_url.empty() ? all.local_url_ : config.public_url;
  return all;
}

void Listeners::serve(http::Server& server) {
  if (plain_) server.serve(std::move(*plain_));
  if (secure_) tls_->serve(server, std::move(*secure_));
  server.serve_owner(std::move(*owner_));
}

}  // namespace faelled::app
