#include "mesh/chronicle.hpp"

#include <algorithm>
#include <limits>

#include "base/percentile.hpp"

namespace faelled::mesh {

void Chronicle::waited(const std::string& member, Duration wait) {
  if (!members_.contains(member) && members_.size() >= members_max) return;
  Of& of = members_[member];
  of.waits_ms[of.waits++ % waits_max] = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(to_millis(wait), 0, std::numeric_limits<std::uint32_t>::max()));
}

void Chronicle::look(WallTime now, const commons::Scheduler& commons) {
  if (begun_ == WallTime{}) begun_ = now;
  if (now - begun_ < stretch) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - begun_).count();
  for (auto& [id, of] : members_) {
    const auto state = commons.member(id);
    if (!state) continue;
    if (of.before.member.empty()) {  // what was before this stretch is not of it
      of.before = *state;
      continue;
    }
    const Waits waited = waits_of(of);
    rpc::ShareSample sample;
    sample.from = begun_;
    sample.entitled = state->entitled_per_s * seconds;
    sample.borrowed = state->borrowed - of.before.borrowed;
    sample.lent = state->lent - of.before.lent;
    sample.own = std::max<commons::Work>(0, state->delivered - of.before.delivered - sample.borrowed);
    sample.wait_p50 = waited.p50;
    sample.wait_p95 = waited.p95;
    of.before = *state;
    of.past.push_back(sample);
    if (of.past.size() > stretches_max) of.past.pop_front();
  }
  begun_ = now;
}

Chronicle::Waits Chronicle::waits(std::string_view member) const {
  const auto found = members_.find(member);
  return found == members_.end() ? Waits{} : waits_of(found->second);
}

std::vector<rpc::ShareSample> Chronicle::past(std::string_view member) const {
  const auto found = members_.find(member);
  if (found == members_.end()) return {};
  return {found->second.past.begin(), found->second.past.end()};
}

Chronicle::Waits Chronicle::waits_of(const Of& of) {
  const std::size_t count = std::min(of.waits, waits_max);
  if (count == 0) return {};
  std::vector<std::uint32_t> sorted(of.waits_ms.begin(), of.waits_ms.begin() + static_cast<std::ptrdiff_t>(count));
  std::ranges::sort(sorted);
  const auto at = [&](std::size_t percent) { return std::chrono::milliseconds(percentile(sorted, percent)); };
  return {at(50), at(95)};
}

}  // namespace faelled::mesh
