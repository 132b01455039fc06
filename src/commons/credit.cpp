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
  Work borrowed_before = 0;  // of the members before
  Work unused_before = 0;
  for (const auto& [id, m] : members_) {
    const Work balance = m.delivered - m.settled - credit_limit(m, passed);
    (balance > 0 ? borrowed : unused) += balance > 0 ? balance : -balance;
  }
  // What is rounded falls on members in the order they were first heard of, not of their names: a replay knows them by
  // pseudonyms and must come to the same balances.
  std::vector<Member*> in_order;
  in_order.reserve(members_.size());
  for (auto& [id, m] : members_) in_order.push_back(&m);
  std::ranges::sort(in_order, {}, &Member::number);
  for (Member* each : in_order) {
    Member& m = *each;
    const Work balance = m.delivered - m.settled - credit_limit(m, passed);
    m.settled = m.delivered;
    if (balance == 0 || borrowed == 0 || unused == 0) continue;
    // What nobody left unused cannot have been borrowed: then the capacity was thought too small.
    const Work moved = std::min(borrowed, unused);
    // Each part is the difference of two rounded sums, so that both sides come to exactly what was moved.
    Work& before = balance > 0 ? borrowed_before : unused_before;
    const Work all_of_side = balance > 0 ? borrowed : unused;
    const auto up_to = [&](Work sum) {
      return static_cast<Work>(static_cast<__int128>(moved) * sum / static_cast<__int128>(all_of_side));
    };
    const Work after = before + (balance > 0 ? balance : -balance);
    const Work part = up_to(after) - up_to(before);
    before = after;
    (balance > 0 ? m.borrowed : m.lent) += part;
    const Work limit = credit_limit(m, settings_.credit_max);
    m.credit = std::clamp(m.credit + (balance > 0 ? -part : part), -limit, limit);
  }
  rank_all();
}

// Which borrower has how much credit depends on what all agreed and on the capacity.
// Two classes, not an order: docs/decisions/0019-commons.md.
Weighed Scheduler::Body::credit_rank(const Member& m) const {
  return m.credit >= std::max<Work>(1, credit_limit(m, settings_.credit_step)) ? 0 : 1;
}

Weighed Scheduler::Body::credit_key(const MemberLine& waits) const {
  return (static_cast<Weighed>(waits.batch_only) << 64) + credit_rank(*waits.member);
}

void Scheduler::Body::rank_all() {
  for (auto& [id, m] : members_) {
    if (m.waits.empty()) continue;
    if (std::ranges::any_of(m.waits, [&](const MemberLine* w) {
          return w->listed && !w->claims && w->by_count->first.first != credit_key(*w);
        }))
      relist(m);
  }
}

}  // namespace faelled::commons
