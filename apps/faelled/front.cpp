#include "front.hpp"

#include <filesystem>
#include <utility>

#include "gateway/http_sink.hpp"
#include "node/engine_log.hpp"
#include "settings.hpp"

namespace faelled::app {
namespace {

// What never became a request of the gateway's: bad HTTP, too late, too many.
http::ErrorAnswer error_answer(int status, std::string_view message, std::string_view request_id) {
  using openai::Cause;
  const Cause cause = status == 413   ? Cause::body_too_large
                      : status == 408 ? Cause::request_timeout
                      : status == 503 ? Cause::overloaded
                                      : Cause::invalid_value;
  const openai::ApiError error{cause, std::string(message), status == 413 ? "body" : ""};
  return {gateway::error_headers(error, request_id), openai::error_body(error)};
}

}  // namespace

Expected<std::unique_ptr<Front>> Front::open(const Parts& parts) {
  auto known = front_ends_of(parts.process.config);
  if (!known) return std::unexpected(known.error());
  std::unique_ptr<Front> front(new Front(parts, std::move(*known)));
  if (auto restored = front->portal.restore(); !restored) return std::unexpected(restored.error());
  return front;
}

Front::Front(const Parts& parts, std::vector<front_ends::FrontEnd> known)
    : context{parts.directory,
              parts.process.loop,
              parts.process.clock,
              parts.process.random,
              parts.process.client,
              parts.pool.mesh,
              *parts.storage.journal,
              parts.catalogue,
              parts.process.metrics,
              parts.process.log,
              gateway_settings(parts.process.config),
              {},
              0,
              false},
      front_ends_(std::move(known), parts.directory),
      gateway_(context, parts.directory, &front_ends_),
      probes_(context, parts.storage),
      portal({context,
              gateway_,
              parts.directory,
              *parts.storage.thread,
              *parts.storage.ledger,
              *parts.storage.conversations,
              parts.listeners.url(),
              {},
              &front_ends_,
              facts(parts),
              &parts.pool.mesh,
              &parts.pool.decisions_checker,
              &parts.pool.mesh,
              &parts.keepers.catalogue,
              &parts.keepers.aliases,
              device_names_of(parts.pool.gpus.all)}),
      server(
          parts.process.loop, server_bounds(parts.process.config),
          [this](const http::Request& request, http::Reply& reply) { return handle(request, reply); },
          [this](int status, std::string_view message) {
            context.metrics.rejected(status);
            return error_answer(status, message, gateway_.new_request_id());
          }) {
  server.admit_by([this](const http::Request& head, http::Reply& reply) {
    if (head.path.starts_with("/v1/")) return gateway_.admit(head, reply);
    return portal.admit(head, reply);
  });
  server.trust_proxies(trusted_proxies(parts.process.config));
}

portal::ServerFacts Front::facts(const Parts& parts) const {
  portal::ServerFacts facts;
  facts.version = parts.process.version;
  facts.data = std::filesystem::absolute(parts.storage.folder.path());
  facts.backs_up = parts.process.config.store.url.empty();
  facts.engine_logs = [logs = facts.data / "engines"](const std::string& id) {
    std::vector<portal::EngineLogFile> files{{"", logs / node::log_name_of(id)}};
    for (const std::string& device : node::further_logs_of(logs, id))
      files.push_back({device, logs / node::log_name_of(id, device)});
    return files;
  };
  facts.connections = [this] { return server.connections(); };
  facts.connections_max = parts.process.config.limits.connections;
  facts.store_answers = [&storage = parts.storage] { return storage.thread->available(); };
  if (const TlsEdge* edge = parts.listeners.tls(); edge != nullptr) {
    facts.certificates = [edge] {
      const crypto::Certificate& own = edge->certificate();
      return std::vector<portal::CertificateReading>{
          {own.common_name.empty() ? own.subject : own.common_name, own.not_after}};
    };
  }
  return facts;
}

net::Task<void> Front::handle(const http::Request& request, http::Reply& reply) {
  if (request.path.starts_with("/v1/") || request.path == "/v1") return gateway_.handle(request, reply);
  if (probes_.handle(request, reply)) return []() -> net::Task<void> { co_return; }();
  return portal.handle(request, reply);
}

}  // namespace faelled::app
