#include <algorithm>

#include "commons/scheduler_body.hpp"

namespace faelled::commons {
namespace {

// A bound on one decision; with so many alike the least counted will do.
constexpr std::size_t claims_looked_at_max = 64;

}  // namespace

// Of the members that wait or run each may have had its share of what all of them had. At least one always has not had
// more, so a floor claim is never missing for a rounding.
bool Scheduler::Body::below_floor(const Member& m) const { return m.load * active_share_ <= active_load_ * m.share; }

// Its contract's part of the capacity over the same minute, whoever else is there: nobody may stand in its way.
bool Scheduler::Body::below_entitlement(const Member& m) const {
  return m.agreed && m.load * agreed_share_ <= entitled_load_ * m.share;
}

// The same once this ticket of its own is taken back, and what was charged for it with it.
bool Scheduler::Body::below_entitlement_without(const Ticket& ticket) const {
  const Member& m = *ticket.caller->member;
  return m.agreed && (m.load - std::min(m.load, ticket.weighed)) * agreed_share_ <= entitled_load_ * m.share;
}

bool Scheduler::Body::floor_is_all(const Member& m) const { return !m.agreed && below_floor(m); }

bool Scheduler::Body::may_run(const Member& m, const Line& at) const {
  return m.places_max == 0 || m.places + at.ticket_places <= m.places_max;
}

// Time passed, work was charged, or all shares or the capacity changed: who claims now?
void Scheduler::Body::sort_claims(Line& at) {
  while (MemberLine* least = least_loaded(at, 0)) {
    if (!below_entitlement(*least->member)) break;
    unindex(*least);
    index(*least, true);
  }
  while (!at.claims.empty()) {
    MemberLine& first = *at.claims.begin()->second;
    if (below_entitlement(*first.member)) break;
    unindex(first);
    index(first, false);
  }
}

// Among those who claim their entitlement the least counted; only when there is none, borrowers: those with credit
// before those without, and of these whoever has no agreement and is below its floor first: it has no entitlement, and
// its count alone, which is lifted when it comes, would leave it behind whoever has been here all the time.
std::pair<MemberLine*, Why> Scheduler::Body::next(Line& at) {
  sort_claims(at);
  if (!at.claims.empty()) return {at.claims.begin()->second, Why::floor};
  const auto first = at.by_credit.begin();
  const MemberLine* least = least_loaded(at, without_agreement);
  if (least != nullptr && below_floor(*least->member)) {
    std::size_t looked = 0;
    for (auto other = first; other != at.by_credit.end() && other->first.first == first->first.first; ++other) {
      if (floor_is_all(*other->second->member)) return {other->second, Why::floor};
      if (++looked == claims_looked_at_max) break;
    }
  }
  return {first->second, below_floor(*first->second->member) ? Why::floor : Why::borrowed};
}

Engine* Scheduler::Body::engine_with_room(const Line& at) const {
  Engine* best = nullptr;
  for (Engine* engine : at.engines) {
    if (!engine->takes()) continue;
    if (best == nullptr || engine->places - engine->running > best->places - best->running) best = engine;
  }
  return best;
}

void Scheduler::Body::dispatch(Line& at) {
  while (!line_is_empty(at)) {
    Engine* engine = engine_with_room(at);
    if (engine == nullptr) break;
    const auto [waits, why] = next(at);
    CallerLine& caller = *waits->next.begin()->second;
    grant(*(caller.interactive.first != nullptr ? caller.interactive.first : caller.batch.first), *engine, why);
  }
  if (settings_.revoke_batch && !at.revocable.empty()) revoke_for_claims(at);
}

std::uint32_t Scheduler::Body::expected_output(const Ticket& ticket, std::uint32_t so_far) const {
  const Caller& who = *ticket.caller;
  std::uint32_t expected = settings_.output_tokens_guess;
  if (!who.answers.empty()) {
    expected = who.answers.expected(so_far);
  } else if (!who.member->answers.empty()) {
    expected = who.member->answers.expected(so_far);
  } else if (!ticket.line->answers.empty()) {
    expected = ticket.line->answers.expected(so_far);
  } else if (so_far > 0 && so_far >= expected) {
    expected = so_far + std::max<std::uint32_t>(so_far / 2, 1);
  }
  return ticket.output_tokens_max == 0 ? expected : std::max(so_far, std::min(expected, ticket.output_tokens_max));
}

// The next tokens that are expected are charged before they come, but not all: charging all lets a member with long
// answers lag by everything that runs, charging none overshoots in step (docs/decisions/0019-commons.md).
std::uint32_t Scheduler::Body::charged_output(const Ticket& ticket, std::uint32_t so_far) const {
  const std::uint32_t expected = std::max(expected_output(ticket, so_far), so_far);
  return so_far + std::min(expected - so_far, settings_.look_ahead_tokens);
}

void Scheduler::Body::grant(Ticket& ticket, Engine& engine, Why why) {
  Caller& who = *ticket.caller;
  Member& m = *who.member;
  Line& at = *ticket.line;
  at.virtual_time = ticket.standing->count;
  ticket.standing->caller_time = who.count(&at);
  ticket.price = at.price;
  ticket.places = at.ticket_places;
  m.places += ticket.places;
  activity(m, 0, 1);
  if (ticket.waits != nullptr) unwait(ticket);
  ticket.engine = &engine;
  ++engine.running;
  if (engine.paced) --engine.room;
  ++running_;
  ticket.output_charged = charged_output(ticket, 0);
  const Work work =
      Work{ticket.prompt_tokens} * ticket.price.prompt + Work{ticket.output_charged} * ticket.price.output;
  charge(ticket, work);
  if (m.places_max > 0) relist(m);  // it has a place more in use
  if (ticket.revocable) at.revocable.emplace(ticket.order, &ticket);
  actions_.emplace_back(Grant{ticket.number, engine.id, why, ticket.charged});
}

// Nobody else waits and there is room, as most of the time: the same as waiting and being the first, without a place in
// line made and given up.
bool Scheduler::Body::grant_at_once(Ticket& ticket) {
  Member& m = *ticket.caller->member;
  Line& at = *ticket.line;
  if (!at.members.empty() || !may_run(m, at)) return false;
  Engine* engine = engine_with_room(at);
  if (engine == nullptr) return false;
  activity(m, 1, 0);
  grant(ticket, *engine, below_entitlement(m) || below_floor(m) ? Why::floor : Why::borrowed);
  activity(m, -1, 0);
  return true;
}

void Scheduler::Body::release(Ticket& ticket) {
  Member& m = *ticket.caller->member;
  Line& at = *ticket.line;
  if (ticket.revocable) at.revocable.erase({ticket.order, &ticket});
  if (ticket.revoking) --at.revoking;
  ticket.revoking = false;
  Engine& engine = *ticket.engine;
  ticket.engine = nullptr;
  --engine.running;
  --running_;
  m.places -= ticket.places;
  activity(m, 0, -1);
  if (engine.gone && engine.running == 0) {
    const auto [first, last] = departed_.equal_range(engine.id);
    departed_.erase(std::find_if(first, last, [&](const auto& named) { return &named.second == &engine; }));
  }
  // With a place less in use the member may be back in line, in each of its lines.
  if (m.places_max > 0) relist(m);
}

// One running batch ticket for each floor claim of a person that finds no room, the last granted of the members that
// have had more than their floor first; a member's own batch gives way to its own people. Only what frees its room for
// the claim: whoever claims their entitlement comes first, so none is taken back for a borrower while somebody does,
// nor from whoever would, having it back.
void Scheduler::Body::revoke_for_claims(Line& at) {
  if (engine_with_room(at) != nullptr) return;
  if (at.revoking > 0) return;  // one at a time: its room may be enough
  sort_claims(at);
  std::size_t looked = 0;
  for (const auto* claims : {&at.claims, &at.by_credit}) {
    const bool borrow = claims == &at.by_credit;
    if (borrow && !at.claims.empty()) return;
    for (const auto& [key, waits] : *claims) {
      if (++looked > claims_looked_at_max) return;
      if (waits->interactive == 0 || !below_floor(*waits->member)) continue;
      const auto& first = *waits->next.begin()->second->interactive.first;
      for (auto running = at.revocable.rbegin(); running != at.revocable.rend(); ++running) {
        Ticket& ticket = *running->second;
        const Engine& there = *ticket.engine;
        if (there.gone || there.running > there.places) continue;  // it would make no room
        Member& owner = *ticket.caller->member;
        if (&owner != waits->member && (below_floor(owner) || (borrow && below_entitlement_without(ticket)))) continue;
        ticket.revoking = true;
        ++at.revoking;
        actions_.emplace_back(Revoke{ticket.number, first.number});
        return;
      }
    }
  }
}

void Scheduler::Body::forget(Ticket& ticket) {
  Caller& who = *ticket.caller;
  Member& m = *who.member;
  --who.tickets;
  tickets_.erase(ticket.number);
  if (m.left && !m.active()) erase(m);
}

}  // namespace faelled::commons
