#include "node/upstream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace faelled::node {

using rpc::EngineState;

std::vector<UpstreamAction> Upstream::step(Instant now, const UpstreamEvent& event) {
  std::vector<UpstreamAction> actions;
  if (ended_) return actions;
  auto before = std::pair(state_, detail_);
  auto probe = [&] {
    if (!std::exchange(probing_, true)) actions.push_back(UpstreamAction::probe);
    wake_ = Instant::max();
  };
  if (std::holds_alternative<upstream_event::Begin>(event)) {
    if (state_ == EngineState::absent) {
      state_ = EngineState::ready;
      probe();
    }
  } else if (std::holds_alternative<upstream_event::LookNow>(event)) {
    probe();
  } else if (std::holds_alternative<upstream_event::Tick>(event)) {
    if (now >= wake_) probe();
  } else if (std::holds_alternative<upstream_event::Stop>(event)) {
    ended_ = true;
    state_ = EngineState::absent;
    wake_ = Instant::max();
  } else if (probing_) {
    probing_ = false;
    if (const auto* none = std::get_if<upstream_event::NoAnswer>(&event)) {
      away(now, none->detail, false);
    } else if (int status = std::get<upstream_event::Answered>(event).status; status == 401 || status == 403) {
      away(now, fmt::format("the upstream refuses our key (status {})", status), true);
    } else if (status >= 500 && status != 501) {
      away(now, fmt::format("the upstream answers with status {}", status), false);
    } else {
      // 404 too: not everybody has a list of models.
      failures_ = 0;
      state_ = EngineState::ready;
      detail_.clear();
    }
  }
  if (before != std::pair(state_, detail_)) actions.push_back(UpstreamAction::report);
  return actions;
}

void Upstream::away(Instant now, std::string detail, bool certain) {
  ++failures_;
  state_ = certain || failures_ >= patience_.failures_until_failed ? EngineState::failed : EngineState::starting;
  detail_ = std::move(detail);
  auto wait = std::min<Duration>(patience_.retry_first * (1LL << std::min<std::uint32_t>(failures_ - 1, 20)),
                                 patience_.retry_most);
  wait += wait * static_cast<std::int64_t>(random_.below(41)) / 100 - wait / 5;
  wake_ = now + wait;
}

}  // namespace faelled::node
