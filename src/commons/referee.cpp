#include "commons/referee.hpp"

#include <algorithm>
#include <cstdlib>

#include "commons/referee_books.hpp"

namespace faelled::commons {
namespace {

using Books = RefereeBooks;

constexpr std::array<std::string_view, invariants> names = {
    "conservation", "floor", "lanes", "order", "lag", "places", "tickets", "revoked", "charged", "transfers", "books"};
// Counts are rounded down at each charge: one unit of work covers a million charges.
constexpr Books::Count rounding = 1 << 20;
// The scheduler looks no further among borrowers than this for one below its floor.
constexpr std::size_t borrowers_in_classes_max = 64;

std::string of(const Books::Ticket& ticket) {
  return "ticket " + std::to_string(ticket.number) + " of " + ticket.member->id + " on " + ticket.model->id;
}

struct Class {
  bool claims = false, batch = false, credit = false, below_floor = false;
  bool operator==(const Class&) const = default;
};

Class class_of(const Books& books, const Books::Member& m, const Books::Standing& at) {
  const bool claims = books.claims(m);
  return {claims, at.people == 0, !claims && books.has_credit(m), !claims && !m.agreed && books.below_floor(m)};
}

// n l / w
Books::Count outstanding_at_most(const Books::Standing& at, const Books::Member& m) {
  return static_cast<Books::Count>(static_cast<__int128>(at.largest) * static_cast<__int128>(at.at_once) * (1 << 20) /
                                   static_cast<__int128>(m.share));
}

}  // namespace

std::string_view name_of(Invariant invariant) { return names.at(static_cast<std::size_t>(invariant)); }

// The formulas, one function each.
struct Referee::Checks {
  Referee& referee;
  Books& books;

  void found(Invariant invariant, std::string what) const { referee.found(invariant, std::move(what)); }

  // ∀ engine e that takes, ∀ member m that waits for e's model: ¬ may_run(m). Takes: running < places, not held by a
  // decline, and with room if it is paced. May run: its places + the model's places per ticket ≤ its limit.
  void conservation() const {
    for (const auto& engine : books.engines()) {
      if (!engine->takes()) continue;
      for (const auto& [m, at] : engine->model->standings)
        if (at.waits() && books.may_run(*m, *engine->model))
          found(Invariant::conservation, engine->id + " has room, and " + m->id + " waits for " + engine->model->id);
    }
  }

  void grant(const Grant& grant) const {
    Books::Ticket* const ticket = books.ticket(grant.ticket);
    if (ticket == nullptr || ticket->engine != nullptr) {
      found(Invariant::tickets, "granted, and does not wait: ticket " + std::to_string(grant.ticket));
      return;
    }
    Books::Engine* const engine = books.engine(grant.engine);
    if (engine == nullptr || engine->model != ticket->model) {
      found(Invariant::tickets, of(*ticket) + " granted by " + grant.engine + ", which does not serve it");
      return;
    }
    // running(e) < places(e); for a paced one room(e) > 0; places(m) + places per ticket ≤ limit(m)
    if (!engine->takes()) found(Invariant::places, engine->id + " has no room for " + of(*ticket));
    if (!books.may_run(*ticket->member, *ticket->model))
      found(Invariant::places, ticket->member->id + " has all its places, and gets one for " + of(*ticket));
    if (grant.charged - ticket->charged != books.expected_charge(*ticket))
      found(Invariant::charged, of(*ticket) + " is charged " + std::to_string(grant.charged) + ", not " +
                                    std::to_string(books.expected_charge(*ticket)));
    others(*ticket, grant);
    books.granted(*ticket, *engine);
    for (const auto& [model, m] : restarts) books.restart(*model, *ticket->member, *m);
    restarts.clear();
  }

  // Who of those that wait for the same model and may run should have gone before?
  void others(const Books::Ticket& ticket, const Grant& grant) const {
    const Books::Member& m = *ticket.member;
    Books::Model& at = *ticket.model;
    const Class own = class_of(books, m, *ticket.standing);
    if ((own.claims || books.below_floor(m)) != (grant.why == Why::floor))
      found(Invariant::charged, of(ticket) + " is granted for the wrong reason");
    // lane(t) = batch ⇒ no person of the same member waits
    if (ticket.lane == Lane::batch && ticket.standing->people > 0)
      found(Invariant::lanes, of(ticket) + " is batch, and people of its member wait");
    std::size_t in_line = 0;
    for (const auto& [other, theirs] : at.standings) in_line += theirs.waits() ? 1 : 0;
    for (const auto& [other, theirs] : at.standings) {
      if (other == &m || !theirs.waits()) continue;
      if (!books.may_run(*other, at)) {
        restarts.emplace_back(&at, other);
        continue;
      }
      const Class rival = class_of(books, *other, theirs);
      // ¬ claims(m) ⇒ ∀ other: ¬ claims(other)
      if (!own.claims && rival.claims)
        found(Invariant::floor, of(ticket) + " is above its entitlement, and " + other->id + " is not");
      // lane(t) = batch ⇒ ∀ other with the same claim: no person of it waits
      if (ticket.lane == Lane::batch && own.claims == rival.claims && theirs.people > 0)
        found(Invariant::lanes, of(ticket) + " is batch, and people of " + other->id + " wait with the same claim");
      const bool comparable = own == rival && (own.claims || in_line <= borrowers_in_classes_max);
      if (!comparable) restarts.emplace_back(&at, other);
      // class(m) = class(other) ⇒ C(m) ≤ C(other)
      if (comparable && ticket.standing->count > theirs.count)
        found(Invariant::order, of(ticket) + " goes before the less counted " + other->id);
    }
  }

  // (C_j − C_j(t0)) − (C_i − C_i(t0)) ≤ max(0, C_i(t0) − C_j(t0)) + n_j l_j / w_j + n_i l_i / w_i, both ways, for all
  // pairs with a member whose count has changed.
  void lag() const {
    for (const auto& [at, m] : books.charged) {
      const auto own = at->standings.find(m);
      if (own == at->standings.end() || !own->second.waits()) continue;
      for (const auto& [other, theirs] : at->standings) {
        if (other == m || !theirs.waits()) continue;
        const bool first = m->number < other->number;
        const auto pair =
            at->pairs.find(first ? std::pair(m->number, other->number) : std::pair(other->number, m->number));
        if (pair == at->pairs.end()) continue;
        const Books::Pair& since = pair->second;
        if (since.epochs[first ? 0 : 1] != own->second.epoch || since.epochs[first ? 1 : 0] != theirs.epoch) continue;
        const Books::Count own_then = since.counts[first ? 0 : 1];
        const Books::Count theirs_then = since.counts[first ? 1 : 0];
        const Books::Count ahead = (own->second.count - own_then) - (theirs.count - theirs_then);
        const Books::Count allowed =
            outstanding_at_most(own->second, *m) + outstanding_at_most(theirs, *other) + rounding;
        if (ahead > std::max<Books::Count>(0, theirs_then - own_then) + allowed)
          found(Invariant::lag, m->id + " is ahead of " + other->id + " on " + at->id + " by " +
                                    std::to_string(static_cast<Work>(ahead >> 20)) + " work per share");
        if (-ahead > std::max<Books::Count>(0, own_then - theirs_then) + allowed)
          found(Invariant::lag, m->id + " is behind " + other->id + " on " + at->id + " by " +
                                    std::to_string(static_cast<Work>(-ahead >> 20)) + " work per share");
      }
    }
    books.charged.clear();
  }

  // t runs ∧ batch(t) ∧ revocable(t) ∧ not yet asked back ∧ the other is a person's that waits for the same model and
  // is below its floor ∧ no engine of the model takes
  void revoke(const Revoke& revoke) const {
    Books::Ticket* const ticket = books.ticket(revoke.ticket);
    const Books::Ticket* const claim = books.ticket(revoke.on_behalf_of);
    if (ticket == nullptr || ticket->engine == nullptr || !ticket->revocable || ticket->revoking) {
      found(Invariant::revoked, "asked back, and may not be: ticket " + std::to_string(revoke.ticket));
      return;
    }
    ticket->revoking = true;
    if (claim == nullptr || claim->engine != nullptr || claim->lane == Lane::batch || claim->model != ticket->model ||
        !books.below_floor(*claim->member))
      found(Invariant::revoked, of(*ticket) + " is asked back for nobody's claim");
    for (const auto& engine : books.engines())
      if (engine->model == ticket->model && engine->takes())
        found(Invariant::revoked, of(*ticket) + " is asked back, and " + engine->id + " has room");
  }

  void expire(const Expire& expire) const {
    Books::Ticket* const ticket = books.ticket(expire.ticket);
    if (ticket == nullptr || ticket->engine != nullptr || ticket->deadline > books.now()) {
      found(Invariant::tickets, "expired, and should not: ticket " + std::to_string(expire.ticket));
      return;
    }
    books.withdrawn(*ticket);
  }

  // waiting(L) > most(L) after an arrival of member a ⇒ the last ticket t of member o goes, where o = argmax n(m), and
  // o = a if n(a) is as much; n: tickets of the member in L. Nothing goes otherwise.
  void refuse(const Refuse& refuse, const Arrive* arrive) const {
    Books::Ticket* const ticket = books.ticket(refuse.ticket);
    if (ticket == nullptr || ticket->engine != nullptr || arrive == nullptr || arrive->model != ticket->model->id ||
        books.waiting_max() == 0 || ticket->model->waiting <= books.waiting_max()) {
      found(Invariant::tickets, "refused, and its line is not full: ticket " + std::to_string(refuse.ticket));
      return;
    }
    std::uint64_t most = 0;
    for (const auto& [m, at] : ticket->model->standings) most = std::max<std::uint64_t>(most, at.people + at.batch);
    const auto has_most = [&](const Books::Member& m) {
      const auto at = ticket->model->standings.find(const_cast<Books::Member*>(&m));
      return at != ticket->model->standings.end() && at->second.people + at->second.batch == most;
    };
    const Books::Member* asking = books.member(arrive->member);
    if (!has_most(*ticket->member) || (asking != nullptr && asking != ticket->member && has_most(*asking)))
      found(Invariant::tickets, of(*ticket) + " is refused, and others have more in the line");
    if (books.last_of(*ticket->member, *ticket->model) != ticket)
      found(Invariant::tickets, of(*ticket) + " is refused, and is not the last of whom of its member has the most");
    books.withdrawn(*ticket);
  }

  mutable std::vector<std::pair<Books::Model*, Books::Member*>> restarts;
};

Referee::Referee(const Settings& settings) : books_(std::make_unique<RefereeBooks>(settings)) {}
Referee::~Referee() = default;

void Referee::saw(Instant now, const Event& event, std::span<const Action> actions) {
  const Checks checks{*this, *books_, {}};
  books_->begin(now);
  // Σ lent of the settlement = Σ borrowed
  if (!books_->settled_evenly()) found(Invariant::transfers, "more was lent than borrowed, or less");
  for (const Action& action : actions)
    if (const auto* expire = std::get_if<Expire>(&action)) checks.expire(*expire);
  if (const auto* late = books_->overdue(); late != nullptr)
    found(Invariant::tickets, of(*late) + " waits beyond its deadline");
  const auto* arrive = std::get_if<Arrive>(&event);
  const std::size_t waited = arrive == nullptr ? 0 : books_->waiting(arrive->model);
  books_->take(event);
  checks.lag();
  for (const Action& action : actions) {
    if (const auto* grant = std::get_if<Grant>(&action)) checks.grant(*grant);
    if (const auto* revoke = std::get_if<Revoke>(&action)) checks.revoke(*revoke);
    if (const auto* refuse = std::get_if<Refuse>(&action)) checks.refuse(*refuse, arrive);
    if (!books_->charged.empty()) checks.lag();
  }
  if (arrive != nullptr && books_->waiting_max() > 0 &&
      books_->waiting(arrive->model) > std::max(waited, books_->waiting_max()))
    found(Invariant::tickets, "the line for " + arrive->model + " is longer than it may be");
  checks.conservation();
}

// Member by member: work delivered is what Progress and End told, credits and places are what follows from the events.
void Referee::compare(const Scheduler& scheduler) {
  std::size_t known = 0;
  const auto same = [&](const std::string& member, std::string_view what, Work theirs, Work ours) {
    if (theirs != ours)
      found(Invariant::books,
            std::string(what) + " of " + member + " is " + std::to_string(theirs) + ", not " + std::to_string(ours));
  };
  for (const MemberState& state : scheduler.members()) {
    ++known;
    const Books::Member* m = books_->member(state.member);
    if (m == nullptr) {
      found(Invariant::books, state.member + " should be forgotten");
      continue;
    }
    same(m->id, "delivered work", state.delivered, m->delivered);
    same(m->id, "outstanding work", state.outstanding, m->outstanding);
    same(m->id, "recent work", state.recent, books_->recent(*m));
    same(m->id, "credit", state.credit, m->credit);
    same(m->id, "lent work", state.lent, m->lent);
    same(m->id, "borrowed work", state.borrowed, m->borrowed);
    same(m->id, "waiting tickets", state.waiting, m->waiting);
    same(m->id, "running tickets", state.running, m->running);
    same(m->id, "places in use", state.places, static_cast<Work>(m->places));
  }
  if (known != books_->members().size()) found(Invariant::books, "a member is forgotten");
  same("all", "capacity", scheduler.capacity_per_s(), books_->capacity_per_s());
}

std::uint64_t Referee::total() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts_) sum += count;
  return sum;
}

void Referee::found(Invariant invariant, std::string what) {
  ++counts_[static_cast<std::size_t>(invariant)];
  if (told_.size() < violations_told_max) told_.push_back(std::string(name_of(invariant)) + ": " + std::move(what));
}

}  // namespace faelled::commons
