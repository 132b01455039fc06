#include "tls.hpp"

#include <fmt/chrono.h>

#include <filesystem>

namespace faelled::app {
namespace {

constexpr auto renewal_due = std::chrono::days(21);  // when FaelledCertificateExpiring fires

crypto::TlsServerFiles server_files(const config::Tls& tls) {
  const auto absolute = [](const std::filesystem::path& path) {
    return path.empty() ? path : std::filesystem::absolute(path).lexically_normal();
  };
  return {absolute(tls.certificate.path), absolute(tls.key.path), absolute(tls.client_ca.path),
          static_cast<crypto::ClientCertificates>(tls.client_certificates)};
}

config::Problem problem(const config::NamedFile& file, std::string message, std::string hint) {
  return {file.line, file.column, std::move(message), std::move(hint)};
}

const config::NamedFile& part_of(crypto::TlsPart part, const config::NamedFile& certificate,
                                 const config::NamedFile& key, const config::NamedFile& ca) {
  return part == crypto::TlsPart::certificate ? certificate : part == crypto::TlsPart::key ? key : ca;
}

std::string day_of(WallTime time) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(static_cast<std::time_t>(unix_seconds(time))));
}

void look_at_dates(const crypto::Certificate& own, const config::NamedFile& file, WallTime now, TlsFindings& findings) {
  const std::string path = file.path.string();
  if (own.not_after <= now) {
    findings.out_of_date.push_back(problem(file, path + " expired on " + day_of(own.not_after),
                                           "put a renewed certificate there; a running server takes it by itself"));
  } else if (own.not_before > now) {
    findings.out_of_date.push_back(
        problem(file, path + " is not valid before " + day_of(own.not_before), "check this machine's clock"));
  } else {
    const auto days = std::chrono::floor<std::chrono::days>(own.not_after - now).count();
    const std::string when =
        fmt::format("{} expires on {}, in {} {}", path, day_of(own.not_after), days, days == 1 ? "day" : "days");
    if (own.not_after - now < renewal_due)
      findings.warnings.push_back(problem(file, when, "renew it"));
    else
      findings.lasting.push_back(problem(file, when, ""));
  }
}

void look_at_key(const config::NamedFile& key, TlsFindings& findings) {
  if (!key.path.empty() && crypto::others_may_read(key.path))
    findings.warnings.push_back(problem(key, key.path.string() + " can be read by everybody on this machine",
                                        "run: chmod 640 " + key.path.string()));
}

void look_at_upstream(const config::Model& model, WallTime now, TlsFindings& findings) {
  if (model.ca_file.path.empty() && model.certificate_file.path.empty()) return;
  const auto made = crypto::read_client(
      {model.ca_file.path.string(), model.certificate_file.path.string(), model.key_file.path.string()});
  if (!made) {
    const auto& file = part_of(made.error().part, model.certificate_file, model.key_file, model.ca_file);
    findings.unusable.push_back(problem(file, made.error().message, made.error().hint));
    return;
  }
  if (!model.certificate_file.path.empty()) look_at_dates((*made)->own(), model.certificate_file, now, findings);
  look_at_key(model.key_file, findings);
}

}  // namespace

TlsFindings look_at_tls(const config::Config& config, WallTime now) {
  TlsFindings findings;
  if (config.tls) {
    const config::Tls& tls = *config.tls;
    if (const auto made = crypto::read_server(server_files(tls))) {
      look_at_dates((*made)->own(), tls.certificate, now, findings);
      look_at_key(tls.key, findings);
    } else {
      const auto& file = part_of(made.error().part, tls.certificate, tls.key, tls.client_ca);
      findings.unusable.push_back(problem(file, made.error().message, made.error().hint));
    }
  }
  for (const config::Model& model : config.models) look_at_upstream(model, now, findings);
  return findings;
}

TlsEdge::TlsEdge(net::Loop& loop, observe::Log& log, const Clock& clock)
    : log_(log), clock_(clock), refusals_(loop, log, "TLS handshakes were refused") {}

Expected<std::unique_ptr<TlsEdge>> TlsEdge::open(const config::Tls& tls, net::Loop& loop, observe::Log& log,
                                                 observe::Metrics& metrics, const Clock& clock) {
  std::unique_ptr<TlsEdge> edge(new TlsEdge(loop, log, clock));
  TlsEdge* self = edge.get();
  auto credentials = net::TlsCredentials::open(loop, server_files(tls),
                                               [self](const crypto::TlsFault* fault) { self->looked(fault); });
  if (!credentials) return fail(Errc::invalid, credentials.error().message, credentials.error().hint);
  edge->credentials_ = std::move(*credentials);
  metrics.gauge("faelled_tls_certificate_days", "Days until the server's certificate expires; below 0: it has",
                [self] { return self->days_left(); });
  metrics.gauge("faelled_tls_certificate_broken",
                "1: the files of the certificate have changed and cannot be used; the former one is still served",
                [self] { return self->credentials_->newest_is_broken() ? 1.0 : 0.0; });
  metrics.counter("faelled_tls_handshakes_refused_total", "TLS handshakes that came to nothing", [self] {
    return self->server_ == nullptr ? 0.0 : static_cast<double>(self->server_->handshakes_refused());
  });
  return edge;
}

void TlsEdge::serve(http::Server& server, net::Listener listener) {
  server_ = &server;
  server.on_handshake_refused([this](const std::string& peer, const std::string& why) {
    if (refusals_.add(peer)) log_.info("a TLS handshake was refused", {{"peer", peer}, {"cause", why}});
  });
  server.serve_tls(std::move(listener), [this] { return credentials_->current(); });
}

void TlsEdge::looked(const crypto::TlsFault* fault) {
  if (fault == nullptr) {
    const crypto::Certificate& own = credentials_->current()->own();
    log_.info("the certificate was read again",
              {{"subject", own.subject}, {"expires", day_of(own.not_after)}, {"fingerprint", own.fingerprint}});
  } else {
    log_.error("the new certificate cannot be used; the former one is still served",
               {{"cause", fault->message}, {"hint", fault->hint}});
  }
}

double TlsEdge::days_left() const {
  const auto left = credentials_->current()->own().not_after - clock_.wall();
  return std::chrono::duration<double, std::chrono::days::period>(left).count();
}

}  // namespace faelled::app
