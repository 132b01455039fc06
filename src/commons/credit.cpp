// Credit: what a member lent less what it borrowed, over weeks. Every settlement is a transfer: what borrowers had
// above their entitlement is credited to those who left theirs unused, in proportion. The bound on a balance is the one
// place where work is lost from the books (and where the theorem of Karma no longer holds; the properties are tested
// instead).
#include <algorithm>

#include "commons/scheduler_body.hpp"

namespace faelled::commons {
namespace {

constexpr Work capacity_forgotten = 4096;  // a part of it, each settlement: 11 hours to a half at 10 s

}  // namespace

// Work that the member is entitled to in that time.
Work Scheduler::Body::credit_limit(const Member& m, Duration of) const {
  if (agreed_share_ == 0 || !m.agreed) return 0;
  return static_cast<Work>(static_cast<__int128>(capacity_per_s_) * static_cast<__int128>(m.share) *
                           (of / std::chrono::milliseconds(1)) / 1000 / static_cast<__int128>(agreed_share_));
}

void Scheduler::Body::settle() {
  const Duration passed = now_ - settled_;
  const std::int64_t passed_ms = std::max<std::int64_t>(passed / std::chrono::milliseconds(1), 1);
  settled_ = now_;
  Work all = 0;
  for (const auto& [id, m] : members_) all += m.delivered - m.settled;
  capacity_per_s_ = std::max(capacity_per_s_ - capacity_per_s_ / capacity_forgotten, all * 1000 / passed_ms);
  Work borrowed = 0;
  Work unused = 0;
  for (const auto& [id, m] : members_) {
    const Work balance = m.delivered - m.settled - credit_limit(m, passed);
    (balance > 0 ? borrowed : unused) += balance > 0 ? balance : -balance;
  }
  for (auto& [id, m] : members_) {
    const Work balance = m.delivered - m.settled - credit_limit(m, passed);
    m.settled = m.delivered;
    if (balance == 0 || borrowed == 0 || unused == 0) continue;
    // What nobody left unused cannot have been borrowed: then the capacity was thought too small.
    const Work moved = std::min(borrowed, unused);
    const Work part = static_cast<Work>(static_cast<__int128>(moved) * (balance > 0 ? balance : -balance) /
                                        (balance > 0 ? borrowed : unused));
    (balance > 0 ? m.borrowed : m.lent) += part;
    const Work limit = credit_limit(m, settings_.credit_max);
    m.credit = std::clamp(m.credit + (balance > 0 ? -part : part), -limit, limit);
    relist(m);
  }
}

}  // namespace faelled::commons
