#include "node/upstream_host.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "engines/upstream_url.hpp"

namespace faelled::node {

UpstreamHost::UpstreamHost(Surroundings around, engines::ModelSettings model, UpstreamPatience patience)
    : around_(std::move(around)),
      model_(std::move(model)),
      patience_(patience),
      upstream_(patience, around_.random.u64()),
      id_(make_id("eng_", around_.clock.wall(), around_.random)),
      timer_(around_.loop, [this] { tell(upstream_event::Tick{}); }) {
  if (auto endpoint = engines::upstream_endpoint(model_)) {
    endpoint_ = std::move(*endpoint);
  } else {
    wrong_ = endpoint.error().message;
  }
}

void UpstreamHost::begin() {
  if (wrong_.empty()) return tell(upstream_event::Begin{});
  around_.log.error("model cannot be served", {{"model", model_.id}, {"detail", wrong_}});
  around_.changed();
}

void UpstreamHost::close() {
  tell(upstream_event::Stop{});
  timer_.cancel();
}

void UpstreamHost::tell(const UpstreamEvent& event) {
  for (auto action : upstream_.step(around_.clock.now(), event)) {
    if (action == UpstreamAction::probe) {
      around_.loop.spawn(probe(shared_from_this()));
    } else {
      if (upstream_.state() == rpc::EngineState::ready) {
        around_.log.info("upstream answers", {{"model", model_.id}});
      } else if (!upstream_.ended()) {
        around_.log.warn("upstream is away", {{"model", model_.id}, {"detail", upstream_.detail()}});
      }
      around_.changed();
    }
  }
  if (upstream_.wake() != Instant::max()) timer_.arm_at(upstream_.wake());
}

net::Task<void> UpstreamHost::probe(std::shared_ptr<UpstreamHost> self) {
  std::string headers = "Accept: application/json\r\n";
  if (!self->endpoint_.authorization.empty()) headers += "Authorization: " + self->endpoint_.authorization + "\r\n";
  const rpc::Endpoint& at = self->endpoint_;
  http::Address address{at.unix_path, at.host, at.port, at.tls, {at.ca_file, at.certificate_file, at.key_file}};
  auto answer = co_await self->around_.client.ask(std::move(address), "GET", self->endpoint_.base_path + "/models",
                                                  std::move(headers), "", self->patience_.probe_within,
                                                  limits::upstream_body_bytes_max);
  if (self->ended()) co_return;
  if (answer || answer.error().code == Errc::too_large) {
    self->tell(upstream_event::Answered{answer ? answer->status : 200});
  } else {
    self->tell(upstream_event::NoAnswer{"the upstream does not answer: " + answer.error().message});
  }
}

rpc::EngineReport UpstreamHost::report() const {
  rpc::EngineReport report;
  report.engine = id_;
  report.model = model_.id;
  report.state = wrong_.empty() || upstream_.ended() ? upstream_.state() : rpc::EngineState::failed;
  report.detail = wrong_.empty() ? upstream_.detail() : wrong_;
  report.places = model_.places;
  report.engine_kind = "openai";
  report.upstream_model = model_.upstream_model.empty() ? model_.id : model_.upstream_model;
  report.endpoint = endpoint_;
  report.context_tokens = model_.context_tokens;
  return report;
}

}  // namespace faelled::node
