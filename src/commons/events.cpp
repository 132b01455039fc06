#include <algorithm>
#include <tuple>
#include <utility>

#include "commons/scheduler_body.hpp"

namespace faelled::commons {
namespace {

constexpr Work mean_over = 64;  // requests

}  // namespace

// Time, before what happens in it: credits are settled and waits end.
void Scheduler::Body::begin(Instant now) {
  actions_.clear();
  if (!begun_) {
    begun_ = true;
    now_ = settled_ = now;
    (void)decay_.rebase(now);
  }
  now_ = std::max(now_, now);
  if (const unsigned halvings = decay_.rebase(now_); halvings > 0) {
    active_load_ = 0;
    for (auto& [id, m] : members_) {
      m.load >>= halvings;
      if (m.active()) active_load_ += m.load;
    }
    for (auto& [number, ticket] : tickets_) ticket.weighed >>= halvings;
    for (auto& [id, m] : members_) relist(m);
  }
  if (now_ - settled_ >= settings_.settle_every) settle();
  entitled_load_ = static_cast<Weighed>(capacity_per_s_) * decay_.weight(now_) * Decay::time_constant_ms / 1000;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_) {
    Ticket& late = tickets_.at(deadlines_.begin()->second);
    actions_.emplace_back(Expire{late.number});
    withdraw(late);
  }
}

// A ticket that waits, for good.
void Scheduler::Body::withdraw(Ticket& ticket) {
  Line& at = *ticket.line;
  Caller& who = *ticket.caller;
  unwait(ticket);
  if (!at.known && std::ranges::none_of(who.waits, [&](const CallerLine* w) { return w->of->line == &at; }))
    std::erase_if(who.counts, [&](const auto& counted) { return counted.first == &at; });
  forget(ticket);
  if (!at.known && at.tickets == 0) lines_.erase(std::string(at.model));
}

void Scheduler::Body::on(const Agree& event) {
  Member& m = member(event.member);
  const std::uint64_t share = std::clamp<std::uint64_t>(event.share, 1, share_max);
  if (m.agreed) agreed_share_ -= m.share;
  agreed_share_ += share;
  m.agreed = true;
  m.left = false;
  if (m.active()) active_share_ += share - m.share;
  m.share = share;
  m.places_max = event.places;
  relist(m);
  rank_all();
  for (auto& [model, at] : lines_) dispatch(at);
}

// Not bounded here: the bound depends on all shares, which may not be told yet. The next settlement bounds it.
void Scheduler::Body::on(const Restore& event) {
  Member& m = member(event.member);
  m.credit += event.credit;
  m.lent += event.lent;
  m.borrowed += event.borrowed;
  relist(m);
}

void Scheduler::Body::on(const Capacity& event) {
  if (event.per_s <= capacity_per_s_) return;
  capacity_per_s_ = event.per_s;
  rank_all();
}

void Scheduler::Body::on(const Leave& event) {
  const auto found = members_.find(event.member);
  if (found == members_.end()) return;
  Member& m = found->second;
  if (m.agreed) agreed_share_ -= m.share;
  m.agreed = false;
  m.left = true;
  m.credit = 0;
  relist(m);
  if (!m.active()) erase(m);
  rank_all();
}

void Scheduler::Body::on(const EngineIs& event) {
  auto found = engines_.find(event.engine);
  if (found != engines_.end() && found->second.line->model != event.model) return;  // it serves one model for life
  Line& at = line(event.model);
  at.price = {std::min(event.price.prompt, price_max), std::min(event.price.output, price_max)};
  const std::uint32_t ticket_places = std::clamp<std::uint32_t>(event.ticket_places, 1, ticket_places_max);
  if (std::exchange(at.ticket_places, ticket_places) != ticket_places) {
    // Who has all its places is another question now.
    for (auto& [m, waits] : at.members) {
      unlist(waits);
      list(waits);
    }
  }
  if (found == engines_.end()) {
    found = engines_.emplace(event.engine, Engine{});
    found->second.id = event.engine;
    found->second.line = &at;
    at.known = true;
    at.engines.push_back(&found->second);
  }
  Engine& engine = found->second;
  engine.places = event.places;
  engine.held = false;
  engine.paced = event.paced;
  dispatch(at);
}

void Scheduler::Body::on(const EngineGone& event) {
  const auto found = engines_.find(event.engine);
  if (found == engines_.end()) return;
  std::erase(found->second.line->engines, &found->second);
  found->second.gone = true;
  auto gone = engines_.extract(found);
  if (gone.mapped().running > 0) departed_.insert(std::move(gone));
}

void Scheduler::Body::on(const Arrive& event) {
  auto [found, fresh] = tickets_.try_emplace(event.ticket);
  if (!fresh) return;
  Ticket& ticket = found->second;
  ticket.number = event.ticket;
  Member& m = member(event.member);
  ticket.caller = &caller(m, event.caller);
  ticket.line = &line(event.model);
  ticket.standing = &ticket.line->standings[&m];
  ticket.order = ++order_;
  ticket.deadline = event.deadline;
  ticket.prompt_tokens = std::min(event.prompt_tokens, tokens_max);
  ticket.output_tokens_max = std::min(event.output_tokens_max, tokens_max);
  ticket.lane = event.lane;
  ticket.revocable = event.revocable && event.lane == Lane::batch;
  ++ticket.caller->tickets;
  lift(ticket);
  if (grant_at_once(ticket)) return;
  wait(ticket, false);
  dispatch(*ticket.line);
  make_room(*ticket.line, m);
}

// A full line is full of somebody's tickets, and who has the most in it loses the last one: else one client that opens
// a thousand requests would shut everybody out, its colleagues first.
void Scheduler::Body::make_room(Line& at, const Member& asking) {
  if (settings_.waiting_max == 0 || at.tickets <= settings_.waiting_max) return;
  const auto rank = [&](const MemberLine& waits) {
    return std::tuple(waits.tickets, waits.member == &asking, -std::int64_t{waits.member->number});
  };
  MemberLine* most = nullptr;
  for (auto& [m, waits] : at.members)
    if (most == nullptr || rank(waits) > rank(*most)) most = &waits;
  Ticket& last = last_of(*most);
  actions_.emplace_back(Refuse{last.number});
  withdraw(last);
}

// Of a member's batch, if there is any, else of its people: of the caller that has the most of it, the latest of these.
Ticket& Scheduler::Body::last_of(const MemberLine& waits) {
  const bool batch = waits.tickets > waits.interactive;
  const auto rank = [](const Queue& queue) { return std::pair(queue.size, queue.last->order); };
  const Queue* most = nullptr;
  for (const auto& [caller, of] : waits.callers)
    if (const Queue& theirs = batch ? of.batch : of.interactive;
        theirs.size > 0 && (most == nullptr || rank(theirs) > rank(*most)))
      most = &theirs;
  return *most->last;
}

void Scheduler::Body::on(const Room& event) {
  const auto found = engines_.find(event.engine);
  if (found == engines_.end()) return;
  found->second.held = false;
  if (found->second.paced) found->second.room = event.count;
  dispatch(*found->second.line);
}

void Scheduler::Body::on(const Declined& event) {
  const auto found = tickets_.find(event.ticket);
  if (found == tickets_.end() || found->second.engine == nullptr) return;
  Ticket& ticket = found->second;
  Line& at = *ticket.line;
  ticket.engine->room = 0;
  ticket.engine->held = true;
  charge(ticket, ticket.delivered - ticket.charged);
  release(ticket);
  const std::vector<Line*> elsewhere = this->elsewhere(*ticket.caller->member, at);
  wait(ticket, true);
  dispatch(at);
  for (Line* line : elsewhere) dispatch(*line);
}

// An engine that declined and tells nothing is asked again, and a person that waits may have come below its floor
// since: what is taken back for it would else wait for the next arrival or end.
void Scheduler::Body::on(const Tick&) {
  // All are asked before the first is given work: nothing is taken back while one of them may have room.
  std::vector<Line*> lines;
  for (auto& [id, engine] : engines_)
    if (std::exchange(engine.held, false)) lines.push_back(engine.line);
  for (Line* line : lines) dispatch(*line);
  if (!settings_.revoke_batch) return;
  for (auto& [id, engine] : engines_)
    if (!engine.line->revocable.empty()) revoke_for_claims(*engine.line);
}

void Scheduler::Body::on(const Progress& event) {
  const auto found = tickets_.find(event.ticket);
  if (found == tickets_.end() || found->second.engine == nullptr) return;
  Ticket& ticket = found->second;
  const Price& price = ticket.price;
  if (!ticket.prompt_known && event.prompt_tokens > 0) {
    ticket.prompt_known = true;
    const std::uint32_t prompt = std::min(event.prompt_tokens, tokens_max);
    charge(ticket, (Work{prompt} - Work{ticket.prompt_tokens}) * price.prompt);
    ticket.prompt_tokens = prompt;
  }
  ticket.output_tokens = std::max(ticket.output_tokens, std::min(event.output_tokens, tokens_max));
  const std::uint32_t target = charged_output(ticket, ticket.output_tokens);
  if (target > ticket.output_charged) {
    const Work more = Work{target - ticket.output_charged} * price.output;
    ticket.output_charged = target;
    charge(ticket, more);
  }
  deliver(ticket, ticket.prompt_known ? ticket.prompt_tokens : 0, ticket.output_tokens);
}

void Scheduler::Body::on(const End& event) {
  const auto found = tickets_.find(event.ticket);
  if (found == tickets_.end()) return;
  Ticket& ticket = found->second;
  if (ticket.engine == nullptr) {
    if (event.how == Ending::returned) return;
    withdraw(ticket);
    return;
  }
  Line& at = *ticket.line;
  Member& m = *ticket.caller->member;
  const std::uint32_t prompt = std::min(event.prompt_tokens, tokens_max);
  const std::uint32_t output = std::max(std::min(event.output_tokens, tokens_max), ticket.output_tokens);
  deliver(ticket, prompt, output);
  charge(ticket, ticket.delivered - ticket.charged);  // the truth
  ticket.engine->held = false;
  if (event.how == Ending::done) {
    ticket.caller->answers.add(output);
    m.answers.add(output);
    at.answers.add(output);
    at.mean_work += (ticket.delivered - at.mean_work) / (at.mean_work == 0 ? 1 : mean_over);
  }
  release(ticket);
  const std::vector<Line*> elsewhere = this->elsewhere(m, at);
  if (event.how == Ending::returned) {
    // What the engine did for nothing stays delivered work of its member; the next attempt is charged anew.
    ticket.charged = ticket.delivered = 0;
    ticket.weighed = 0;
    ticket.output_tokens = ticket.output_charged = 0;
    ticket.prompt_known = false;
    wait(ticket, true);
  } else {
    forget(ticket);
  }
  dispatch(at);
  for (Line* line : elsewhere) dispatch(*line);
}

// Where the member of a ticket of that line may run now that it has a place less in use.
std::vector<Line*> Scheduler::Body::elsewhere(const Member& m, const Line& at) {
  std::vector<Line*> lines;
  if (m.places_max == 0) return lines;
  for (const MemberLine* waits : m.waits)
    if (waits->line != &at) lines.push_back(waits->line);
  return lines;
}

}  // namespace faelled::commons
