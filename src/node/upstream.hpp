// Upstream: what we believe about an OpenAI-compatible server that somebody else runs. Pure like Supervisor. It is
// taken for ready until shown otherwise: asked once at the start, after each fault, and again and again while it is
// away, but never while it works, because some such servers count every call. One per model of kind openai; a value,
// loop's thread.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "rpc/messages.hpp"

namespace faelled::node {

struct UpstreamPatience {
  Duration probe_within = 5s;
  Duration retry_first = 500ms;
  Duration retry_most = 30s;
  std::uint32_t failures_until_failed = 3;  // before that those who wait are let wait
};

namespace upstream_event {
struct Begin {};
struct Answered {
  int status = 0;
};
struct NoAnswer {
  std::string detail;
};
struct LookNow {};
struct Tick {};
struct Stop {};
}  // namespace upstream_event

using UpstreamEvent = std::variant<upstream_event::Begin, upstream_event::Answered, upstream_event::NoAnswer,
                                   upstream_event::LookNow, upstream_event::Tick, upstream_event::Stop>;

enum class UpstreamAction : std::uint8_t { probe, report };

class Upstream {
 public:
  Upstream(UpstreamPatience patience, std::uint64_t seed) : patience_(patience), random_(seed) {}

  std::vector<UpstreamAction> step(Instant now, const UpstreamEvent& event);
  Instant wake() const { return wake_; }
  rpc::EngineState state() const { return state_; }
  const std::string& detail() const { return detail_; }
  bool ended() const { return ended_; }

 private:
  void away(Instant now, std::string detail, bool certain);

  UpstreamPatience patience_;
  SeededRandom random_;
  rpc::EngineState state_ = rpc::EngineState::absent;
  std::string detail_;
  std::uint32_t failures_ = 0;
  bool probing_ = false;
  bool ended_ = false;
  Instant wake_ = Instant::max();
};

}  // namespace faelled::node
