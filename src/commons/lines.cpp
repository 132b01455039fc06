#include <algorithm>
#include <utility>

#include "commons/scheduler_body.hpp"

namespace faelled::commons {
namespace {

constexpr unsigned load_fraction_bits = 20;
constexpr Count count_max = Count{1} << 120;  // beyond what any count comes to

MemberKey load_key(const Member& m) {
  return {(m.load << load_fraction_bits) / m.share + (m.agreed ? 0 : without_agreement), 0, m.number};
}

// Most moves are short: the place beside the old one is tried first.
void move_in(MemberIndex& index, MemberIndex::iterator& at, const MemberKey& key) {
  const auto beside = std::next(at);
  auto node = index.extract(at);
  node.key() = key;
  at = index.insert(beside, std::move(node));
}

// One that comes back has its old place: behind those that asked before it and came back too.
void put(Queue& queue, Ticket& ticket, bool comes_back) {
  ticket.before = comes_back ? nullptr : queue.last;
  ticket.after = comes_back ? queue.first : nullptr;
  while (ticket.after != nullptr && ticket.after->order < ticket.order) {
    ticket.before = ticket.after;
    ticket.after = ticket.after->after;
  }
  (ticket.before != nullptr ? ticket.before->after : queue.first) = &ticket;
  (ticket.after != nullptr ? ticket.after->before : queue.last) = &ticket;
  ++queue.size;
}

void take(Queue& queue, Ticket& ticket) {
  (ticket.before != nullptr ? ticket.before->after : queue.first) = ticket.after;
  (ticket.after != nullptr ? ticket.after->before : queue.last) = ticket.before;
  ticket.before = ticket.after = nullptr;
  --queue.size;
}

}  // namespace

Member& Scheduler::Body::member(std::string_view id) {
  auto found = members_.find(id);
  if (found == members_.end()) {
    found = members_.emplace(std::string(id), Member{}).first;
    found->second.id = found->first;
    found->second.number = ++numbers_;
  }
  return found->second;
}

Caller& Scheduler::Body::caller(Member& member, std::string_view id) {
  auto found = member.callers.find(id);
  if (found == member.callers.end()) {
    found = member.callers.try_emplace(std::string(id)).first;
    found->second.id = found->first;
    found->second.member = &member;
  }
  return found->second;
}

void Scheduler::Body::erase(Member& m) {
  for (auto& [model, at] : lines_) at.standings.erase(&m);
  members_.erase(std::string(m.id));
}

Line& Scheduler::Body::line(std::string_view model) {
  auto found = lines_.find(model);
  if (found == lines_.end()) {
    found = lines_.emplace(std::string(model), Line{}).first;
    found->second.model = found->first;
  }
  return found->second;
}

void Scheduler::Body::list(MemberLine& waits) {
  if (waits.tickets == 0 || !may_run(*waits.member, *waits.line)) return;
  // Batch waits for people: of those with the same claim, members with a person in line come first.
  waits.batch_only = waits.interactive == 0;
  waits.listed = true;
  index(waits, below_entitlement(*waits.member));
}

void Scheduler::Body::unlist(MemberLine& waits) {
  if (!waits.listed) return;
  unindex(waits);
  waits.listed = false;
}

void Scheduler::Body::index(MemberLine& waits, bool claims) {
  const Member& m = *waits.member;
  Line& at = *waits.line;
  const Count count = waits.standing->count;
  waits.claims = claims;
  if (claims) {
    waits.by_count = at.claims.emplace(MemberKey{waits.batch_only, count, m.number}, &waits).first;
    return;
  }
  waits.by_count = at.by_credit.emplace(MemberKey{credit_key(waits), count, m.number}, &waits).first;
  waits.by_load = at.by_load.emplace(load_key(m), &waits).first;
}

void Scheduler::Body::unindex(MemberLine& waits) {
  Line& at = *waits.line;
  (waits.claims ? at.claims : at.by_credit).erase(waits.by_count);
  if (!waits.claims) at.by_load.erase(waits.by_load);
}

void Scheduler::Body::recount(MemberLine& waits) {
  if (!waits.listed) return;
  MemberKey now = waits.by_count->first;
  now.count = waits.standing->count;
  move_in(waits.claims ? waits.line->claims : waits.line->by_credit, waits.by_count, now);
}

void Scheduler::Body::reload(Member& member) {
  for (MemberLine* waits : member.waits) {
    if (!waits->listed || waits->claims) continue;
    move_in(waits->line->by_load, waits->by_load, load_key(member));
  }
}

// Of people before batch.
std::optional<Count> Scheduler::Body::least_counted(const Line& at) {
  for (const Weighed batch : {0, 1}) {
    std::optional<Count> least;
    const auto look = [&](const std::map<MemberKey, MemberLine*>& in, Weighed first) {
      const auto found = in.lower_bound({first, -count_max, 0});
      if (found != in.end() && found->first.first == first)
        least = std::min(least.value_or(count_max), found->first.count);
    };
    look(at.claims, batch);
    look(at.by_credit, batch << 64);
    look(at.by_credit, (batch << 64) + 1);
    if (least) return least;
  }
  return std::nullopt;
}

// The least loaded of those that do not claim, with a key of at least `from`; its key is right.
MemberLine* Scheduler::Body::least_loaded(Line& at, Weighed from) {
  while (true) {
    const auto found = at.by_load.lower_bound({from, 0, 0});
    if (found == at.by_load.end()) return nullptr;
    MemberLine& waits = *found->second;
    const MemberKey now = load_key(*waits.member);
    if (now == found->first) return &waits;
    move_in(at.by_load, waits.by_load, now);
  }
}

void Scheduler::Body::relist(Member& member) {
  for (MemberLine* waits : member.waits) {
    unlist(*waits);
    list(*waits);
  }
}

void Scheduler::Body::rekey(CallerLine& waits) {
  MemberLine& of = *waits.of;
  if (waits.interactive.first == nullptr && waits.batch.first == nullptr) {
    of.next.erase(waits.key);
    return;
  }
  const bool batch = waits.interactive.first == nullptr;
  const CallerKey now = {batch, waits.caller->count(of.line), (batch ? waits.batch : waits.interactive).first->order};
  if (auto node = of.next.extract(waits.key); !node.empty()) {
    node.key() = now;
    of.next.insert(std::move(node));
  } else {
    of.next.emplace(now, &waits);
  }
  waits.key = now;
}

// The caller's and the member's records of the line exist only while they wait in it.
void Scheduler::Body::wait(Ticket& ticket, bool comes_back) {
  Caller& who = *ticket.caller;
  Member& m = *who.member;
  Line& at = *ticket.line;
  auto [found, fresh] = at.members.try_emplace(&m);
  MemberLine& of = found->second;
  if (fresh) {
    of.member = &m;
    of.line = &at;
    of.standing = ticket.standing;
    m.waits.push_back(&of);
  }
  auto [caller_found, caller_fresh] = of.callers.try_emplace(&who);
  CallerLine& waits = caller_found->second;
  if (caller_fresh) {
    waits.caller = &who;
    waits.of = &of;
    waits.key = {true, count_max, ticket.order};
    who.waits.push_back(&waits);
  }
  ticket.waits = &waits;
  put(ticket.lane == Lane::batch ? waits.batch : waits.interactive, ticket, comes_back);
  ++of.tickets;
  ++at.tickets;
  if (ticket.lane == Lane::interactive) ++of.interactive;
  rekey(waits);
  if (ticket.deadline != Instant::max()) ticket.deadline_at = deadlines_.emplace(ticket.deadline, ticket.number).first;
  activity(m, 1, 0);
  if (of.listed && of.batch_only != (of.interactive == 0)) unlist(of);
  if (!of.listed) list(of);
}

void Scheduler::Body::unwait(Ticket& ticket) {
  Caller& who = *ticket.caller;
  Member& m = *who.member;
  Line& at = *ticket.line;
  CallerLine& waits = *std::exchange(ticket.waits, nullptr);
  MemberLine& of = *waits.of;
  take(ticket.lane == Lane::batch ? waits.batch : waits.interactive, ticket);
  --of.tickets;
  --at.tickets;
  if (ticket.lane == Lane::interactive) --of.interactive;
  rekey(waits);
  if (waits.interactive.first == nullptr && waits.batch.first == nullptr) {
    std::erase(who.waits, &waits);
    of.callers.erase(&who);
  }
  if (ticket.deadline != Instant::max()) deadlines_.erase(ticket.deadline_at);
  if (of.listed && of.batch_only != (of.interactive == 0)) {
    unlist(of);
    list(of);
  }
  if (of.tickets == 0) {
    unlist(of);
    std::erase(m.waits, &of);
    if (at.members.size() == 1) at.virtual_time = std::max(at.virtual_time, ticket.standing->count);
    at.members.erase(&m);
  }
  activity(m, -1, 0);
}

void Scheduler::Body::activity(Member& m, int waiting, int running) {
  const bool was = m.active();
  m.waiting = static_cast<std::uint32_t>(static_cast<int>(m.waiting) + waiting);
  m.running = static_cast<std::uint32_t>(static_cast<int>(m.running) + running);
  if (was == m.active()) return;
  if (m.active()) {
    active_load_ += m.load;
    active_share_ += m.share;
  } else {
    active_load_ -= m.load;
    active_share_ -= m.share;
  }
}

// The counts of both levels and the load of the last minute. Negative: less than was thought; then what was charged too
// much is taken back at the weight it was charged with.
void Scheduler::Body::charge(Ticket& ticket, Work by) {
  if (by == 0) return;
  Caller& who = *ticket.caller;
  Member& m = *who.member;
  // Unsigned: what is taken back is added modulo 2^128.
  const Weighed weighed = by > 0 ? static_cast<Weighed>(by) * decay_.weight(now_)
                                 : -(ticket.weighed / static_cast<Weighed>(ticket.charged) * static_cast<Weighed>(-by));
  ticket.weighed += weighed;
  m.load += weighed;
  if (m.active()) active_load_ += weighed;
  ticket.charged += by;
  m.outstanding += by;
  ticket.standing->count += share_of(by, m.share);
  who.count(ticket.line) += share_of(by, 1);
  for (CallerLine* waits : who.waits)
    if (waits->of->line == ticket.line) rekey(*waits);
  for (MemberLine* waits : m.waits)
    if (waits->line == ticket.line) recount(*waits);
  if (by < 0) reload(m);
}

void Scheduler::Body::deliver(Ticket& ticket, std::uint32_t prompt_tokens, std::uint32_t output_tokens) {
  Member& m = *ticket.caller->member;
  const Price& price = ticket.price;
  const Work all = Work{prompt_tokens} * price.prompt + Work{output_tokens} * price.output;
  const Work fresh = all - ticket.delivered;
  if (fresh <= 0) return;  // counts that run backwards are an engine's fault; what was delivered stays delivered
  ticket.delivered = all;
  m.delivered += fresh;
  m.outstanding -= fresh;
}

// A member that comes back has not saved up what it did not use: it stands beside the least served of those who wait,
// but for a head start of about one request, so that a light caller need not wait for a whole cohort.
void Scheduler::Body::lift(Ticket& ticket) {
  Caller& who = *ticket.caller;
  Member& m = *who.member;
  Line& at = *ticket.line;
  if (!at.members.contains(&m)) {
    const Count least = least_counted(at).value_or(at.virtual_time);
    const Work head_start = at.mean_work * settings_.head_start_percent / 100;
    ticket.standing->count = std::max(ticket.standing->count, least - share_of(head_start, m.share));
  }
  const auto found = at.members.find(&m);
  const bool colleagues = found != at.members.end() && !found->second.next.empty();
  if (colleagues && found->second.callers.contains(&who)) return;
  Count& count = who.count(&at);
  count = std::max(count, colleagues ? found->second.next.begin()->first.count : ticket.standing->caller_time);
}

}  // namespace faelled::commons
