#include <algorithm>
#include <queue>

#include "commons/scheduler_body.hpp"

namespace faelled::commons {

MemberState Scheduler::Body::state_of(const Member& m) const {
  MemberState out;
  out.member = m.id;
  out.share = m.share;
  out.shares_all = agreed_share_;
  out.entitled_per_s = credit_limit(m, std::chrono::seconds(1));
  out.waiting = m.waiting;
  out.running = m.running;
  out.places = m.places;
  out.places_max = m.places_max;
  out.delivered = m.delivered;
  out.outstanding = m.outstanding;
  out.credit = m.credit;
  out.lent = m.lent;
  out.borrowed = m.borrowed;
  const std::uint64_t weight = decay_.weight(now_);
  out.recent = static_cast<Work>(m.load / weight);
  // A member that is away is told what it would find if it came now.
  const Weighed load = active_load_ + (m.active() ? 0 : m.load);
  const std::uint64_t share = active_share_ + (m.active() ? 0 : m.share);
  out.floor = static_cast<Work>(load / weight * m.share / share);
  return out;
}

int Scheduler::Body::borrower_rank(const Member& m) const {
  return static_cast<int>(credit_rank(m)) * 2 + (floor_is_all(m) ? 0 : 1);
}

// As if nothing more came and each answer were as long as is expected: claims on the entitlement, by count; then
// borrowers, those with credit first; last those whose places are all in use.
std::vector<TicketNumber> Scheduler::Body::order(const Line& at, std::size_t limit) const {
  struct Turn {
    int turn;  // 0: claims its entitlement, 1: borrower, 2: has all its places
    bool batch_only;
    int borrower;
    Count count;
    std::uint32_t number;
    const MemberLine* waits;
    bool operator>(const Turn& other) const {
      return std::tie(turn, batch_only, borrower, count, number) >
             std::tie(other.turn, other.batch_only, other.borrower, other.count, other.number);
    }
  };
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns;
  std::unordered_map<const MemberLine*, std::vector<TicketNumber>> queues;
  for (const auto& [m, waits] : at.members) {
    const int turn = !waits.listed ? 2 : below_entitlement(*m) ? 0 : 1;
    turns.push(
        {turn, waits.interactive == 0, turn == 1 ? borrower_rank(*m) : 0, waits.standing->count, m->number, &waits});
  }
  std::vector<TicketNumber> out;
  while (!turns.empty() && out.size() < limit) {
    Turn turn = turns.top();
    turns.pop();
    auto [found, fresh] = queues.try_emplace(turn.waits);
    std::vector<TicketNumber>& queue = found->second;
    if (fresh) {
      // People first, and callers in turn: the same order as `next`, as far as anybody asks.
      for (const bool batch : {false, true}) {
        std::vector<const Ticket*> heads;
        for (const auto& [key, caller] : turn.waits->next)
          heads.push_back(batch ? caller->batch.first : caller->interactive.first);
        std::erase(heads, nullptr);
        while (!heads.empty() && queue.size() < limit) {
          for (const Ticket*& head : heads) {
            queue.push_back(head->number);
            head = head->after;
          }
          std::erase(heads, nullptr);
        }
      }
      std::ranges::reverse(queue);
    }
    out.push_back(queue.back());
    queue.pop_back();
    if (queue.empty()) continue;
    turn.count += share_of(std::max<Work>(at.mean_work, 1), turn.waits->member->share);
    turns.push(turn);
  }
  return out;
}

Explanation Scheduler::Body::explain(TicketNumber number) const {
  Explanation out;
  const auto found = tickets_.find(number);
  if (found == tickets_.end()) return out;
  const Ticket& ticket = found->second;
  Member& m = *ticket.caller->member;
  const MemberState state = state_of(m);
  out.member = m.id;
  out.model = ticket.line->model;
  out.share_percent =
      state.floor <= 0 ? 0 : static_cast<std::uint32_t>(std::min<Work>(100 * state.recent / state.floor, 1'000'000));
  if (ticket.engine != nullptr) {
    out.state = Explanation::State::running;
    out.engine = ticket.engine->id;
    return out;
  }
  out.state = Explanation::State::waiting;
  const std::vector<TicketNumber> order = this->order(*ticket.line, ticket.line->tickets);
  out.position = static_cast<std::uint32_t>(std::ranges::find(order, number) - order.begin()) + 1;
  const auto& engines = ticket.line->engines;
  const MemberLine& waits = ticket.line->members.at(&m);
  if (std::ranges::none_of(engines, [](const Engine* e) { return e->places > 0; })) {
    out.cause = Explanation::Cause::no_engine;
  } else if (!may_run(m, *ticket.line)) {
    out.cause = Explanation::Cause::places;
  } else if (!below_floor(m)) {
    out.cause = Explanation::Cause::borrowing;
  } else if (waits.next.begin()->second->interactive.first != &ticket &&
             waits.next.begin()->second->batch.first != &ticket) {
    out.cause = Explanation::Cause::colleagues;
  } else {
    out.cause = Explanation::Cause::floor_claims;
  }
  return out;
}

}  // namespace faelled::commons
