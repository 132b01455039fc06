// UpstreamHost: carries out what Upstream decides. See host.hpp for who owns it.
#pragma once

#include "net/timer.hpp"
#include "node/host.hpp"
#include "node/upstream.hpp"

namespace faelled::node {

class UpstreamHost final : public Host, public std::enable_shared_from_this<UpstreamHost> {
 public:
  UpstreamHost(Surroundings around, engines::ModelSettings model, UpstreamPatience patience);

  void begin() override;
  void look_now() override { tell(upstream_event::LookNow{}); }
  void stop(Duration) override { tell(upstream_event::Stop{}); }
  void unload() override { stop({}); }
  bool ended() const override { return upstream_.ended(); }
  void close() override;
  rpc::EngineReport report() const override;

 private:
  void tell(const UpstreamEvent& event);
  static net::Task<void> probe(std::shared_ptr<UpstreamHost> self);

  Surroundings around_;
  engines::ModelSettings model_;
  UpstreamPatience patience_;
  Upstream upstream_;
  std::string id_;
  rpc::Endpoint endpoint_;
  std::string wrong_;  // why there is no endpoint
  net::Timer timer_;
};

}  // namespace faelled::node
