#include "commons/referee_books.hpp"

#include <algorithm>

namespace faelled::commons {
namespace {

constexpr std::size_t answers_max = 60;
constexpr std::uint32_t answer_max = 65'535;
constexpr Work mean_over = 64;
constexpr Work capacity_forgotten = 4096;

RefereeBooks::Count per_share(Work work, std::uint64_t share) {
  return static_cast<RefereeBooks::Count>(static_cast<__int128>(work) * (1 << 20) / static_cast<__int128>(share));
}

}  // namespace

void RefereeBooks::Answers::add(std::uint32_t tokens) {
  last.push_back(std::min(tokens, answer_max));
  if (last.size() > answers_max) last.pop_front();
}

std::uint32_t RefereeBooks::Answers::expected(std::uint32_t so_far) const {
  std::vector<std::uint32_t> longer;
  for (const std::uint32_t answer : last)
    if (so_far == 0 || answer > so_far) longer.push_back(answer);
  if (longer.empty()) return so_far + std::max<std::uint32_t>(so_far / 2, 1);
  std::ranges::sort(longer);
  return std::max(longer[(longer.size() - 1) / 2], so_far + 1);
}

void RefereeBooks::begin(Instant now) {
  summed_up_ = false;
  settled_evenly_ = true;
  if (!begun_) {
    begun_ = true;
    now_ = settled_ = now;
    (void)decay_.rebase(now);
  }
  now_ = std::max(now_, now);
  if (const unsigned halvings = decay_.rebase(now_); halvings > 0) {
    for (auto& [id, m] : members_) m.load >>= halvings;
    for (auto& [number, ticket] : tickets_) ticket.weighed >>= halvings;
  }
  if (now_ - settled_ >= settings_.settle_every) settle();
  entitled_load_ = static_cast<Weighed>(capacity_per_s_) * decay_.weight(now_) * Decay::time_constant_ms / 1000;
}

void RefereeBooks::take(const Event& event) {
  summed_up_ = false;
  std::visit([this](const auto& what) { on(what); }, event);
}

// Work taken above the entitlement is borrowed from those that left theirs unused, as far as there is such.
void RefereeBooks::settle() {
  const Duration passed = now_ - settled_;
  settled_ = now_;
  const std::int64_t ms = std::max<std::int64_t>(passed / std::chrono::milliseconds(1), 1);
  Work all = 0;
  for (const auto& [id, m] : members_) all += m.delivered - m.settled;
  capacity_per_s_ = std::max(capacity_per_s_ - capacity_per_s_ / capacity_forgotten, all * 1000 / ms);
  Work sides[2] = {0, 0};  // unused, borrowed
  for (const auto& [id, m] : members_) {
    const Work over = m.delivered - m.settled - entitled(m, passed);
    sides[over > 0] += std::abs(over);
  }
  const Work moved = std::min(sides[0], sides[1]);
  Work up_to[2] = {0, 0};
  Work given[2] = {0, 0};
  // In the order in which they were first heard of, not of their names: a replay knows them by pseudonyms.
  std::vector<Member*> in_order;
  for (auto& [id, m] : members_) in_order.push_back(&m);
  std::ranges::sort(in_order, {}, &Member::number);
  for (Member* each : in_order) {
    Member& m = *each;
    const Work over = m.delivered - m.settled - entitled(m, passed);
    m.settled = m.delivered;
    if (over == 0 || moved == 0) continue;
    const int side = over > 0;
    // Rounded so that the parts of a side come to all that moved.
    up_to[side] += std::abs(over);
    const auto whole = static_cast<Work>(static_cast<__int128>(moved) * up_to[side] / sides[side]);
    const Work part = whole - given[side];
    given[side] = whole;
    (side == 1 ? m.borrowed : m.lent) += part;
    const Work bound = entitled(m, settings_.credit_max);
    m.credit = std::clamp(m.credit + (side == 1 ? -part : part), -bound, bound);
  }
  settled_evenly_ = given[0] == given[1];
}

Work RefereeBooks::entitled(const Member& m, Duration of) const {
  if (!m.agreed) return 0;
  return static_cast<Work>(static_cast<__int128>(capacity_per_s_) * static_cast<__int128>(m.share) *
                           (of / std::chrono::milliseconds(1)) / 1000 / static_cast<__int128>(agreed_shares_));
}

void RefereeBooks::sum_up_active() const {
  if (summed_up_) return;
  summed_up_ = true;
  active_load_ = 0;
  active_shares_ = 0;
  for (const auto& [id, m] : members_) {
    if (!m.active()) continue;
    active_load_ += m.load;
    active_shares_ += m.share;
  }
}

bool RefereeBooks::claims(const Member& m) const {
  return m.agreed && m.load * agreed_shares_ <= entitled_load_ * m.share;
}

bool RefereeBooks::below_floor(const Member& m) const {
  sum_up_active();
  return m.load * active_shares_ <= active_load_ * m.share;
}

bool RefereeBooks::has_credit(const Member& m) const {
  return m.credit >= std::max<Work>(1, entitled(m, settings_.credit_step));
}

bool RefereeBooks::may_run(const Member& m, const Model& at) const {
  return m.places_max == 0 || m.places + at.ticket_places <= m.places_max;
}

RefereeBooks::Ticket* RefereeBooks::ticket(TicketNumber number) {
  const auto found = tickets_.find(number);
  return found == tickets_.end() ? nullptr : &found->second;
}

const RefereeBooks::Ticket* RefereeBooks::last_of(const Member& m, const Model& at) const {
  std::map<std::pair<Lane, const Answers*>, std::size_t> of;
  std::vector<const Ticket*> theirs;
  for (const auto& [number, t] : tickets_) {
    if (t.engine != nullptr || t.member != &m || t.model != &at) continue;
    theirs.push_back(&t);
    ++of[{t.lane, t.caller}];
  }
  const auto rank = [&](const Ticket* t) {
    return std::tuple(t->lane == Lane::batch, of.at({t->lane, t->caller}), t->order);
  };
  const auto last = std::ranges::max_element(theirs, {}, rank);
  return last == theirs.end() ? nullptr : *last;
}

std::size_t RefereeBooks::waiting(const std::string& model) const {
  const auto found = models_.find(model);
  return found == models_.end() ? 0 : found->second.waiting;
}

RefereeBooks::Engine* RefereeBooks::engine(const std::string& id) {
  for (const auto& engine : engines_)
    if (!engine->gone && engine->id == id) return engine.get();
  return nullptr;
}

const RefereeBooks::Member* RefereeBooks::member(const std::string& id) const {
  const auto found = members_.find(id);
  return found == members_.end() ? nullptr : &found->second;
}

const RefereeBooks::Ticket* RefereeBooks::overdue() const {
  if (deadlines_.empty() || deadlines_.begin()->first > now_) return nullptr;
  return &tickets_.at(deadlines_.begin()->second);
}

RefereeBooks::Member& RefereeBooks::named(const std::string& id) {
  auto [found, fresh] = members_.try_emplace(id);
  if (fresh) {
    found->second.id = id;
    found->second.number = ++numbers_;
  }
  return found->second;
}

RefereeBooks::Model& RefereeBooks::model(const std::string& id) {
  auto [found, fresh] = models_.try_emplace(id);
  found->second.id = id;
  return found->second;
}

void RefereeBooks::restart(Model& at, const Member& a, const Member& b) {
  const Member& low = a.number < b.number ? a : b;
  const Member& high = a.number < b.number ? b : a;
  const Standing& x = at.standings.at(const_cast<Member*>(&low));
  const Standing& y = at.standings.at(const_cast<Member*>(&high));
  at.pairs[{low.number, high.number}] = {{x.epoch, y.epoch}, {x.count, y.count}};
}

void RefereeBooks::charge(Ticket& ticket, Work by) {
  if (by == 0) return;
  Member& m = *ticket.member;
  Weighed weighed = 0;
  if (by > 0) {
    weighed = static_cast<Weighed>(by) * decay_.weight(now_);
    ticket.weighed += weighed;
    m.load += weighed;
  } else {  // taken back at the weight that it was charged with
    weighed = ticket.weighed / static_cast<Weighed>(ticket.charged) * static_cast<Weighed>(-by);
    ticket.weighed -= weighed;
    m.load -= weighed;
  }
  ticket.charged += by;
  m.outstanding += by;
  Standing& standing = *ticket.standing;
  standing.count += per_share(by, m.share);
  standing.largest = std::max(standing.largest, ticket.charged);
  summed_up_ = false;
  charged.emplace_back(ticket.model, &m);
}

void RefereeBooks::deliver(Ticket& ticket, std::uint32_t prompt_tokens, std::uint32_t output_tokens) {
  const Work all = Work{prompt_tokens} * ticket.price.prompt + Work{output_tokens} * ticket.price.output;
  if (all <= ticket.delivered) return;
  ticket.member->delivered += all - ticket.delivered;
  ticket.member->outstanding -= all - ticket.delivered;
  ticket.delivered = all;
}

std::uint32_t RefereeBooks::output_to_charge(const Ticket& ticket, std::uint32_t so_far) const {
  std::uint32_t expected = settings_.output_tokens_guess;
  const Answers* known = nullptr;
  for (Answers* answers : {&ticket.model->answers, &ticket.member->answers, ticket.caller})
    if (!answers->last.empty()) known = answers;
  if (known != nullptr)
    expected = known->expected(so_far);
  else if (so_far > 0 && so_far >= expected)
    expected = so_far + std::max<std::uint32_t>(so_far / 2, 1);
  if (ticket.output_tokens_max > 0) expected = std::min(expected, ticket.output_tokens_max);
  expected = std::max(expected, so_far);
  return std::min(expected, so_far + settings_.look_ahead_tokens);
}

Work RefereeBooks::expected_charge(const Ticket& ticket) const {
  return Work{ticket.prompt_tokens} * ticket.model->price.prompt +
         Work{output_to_charge(ticket, 0)} * ticket.model->price.output;
}

// A member that becomes backlogged stands beside each of the others from now on.
void RefereeBooks::wait(Ticket& ticket) {
  Standing& standing = *ticket.standing;
  Member& m = *ticket.member;
  Model& at = *ticket.model;
  const bool was = standing.waits();
  ++(ticket.lane == Lane::batch ? standing.batch : standing.people);
  ++m.waiting;
  ++at.waiting;
  deadlines_.emplace(ticket.deadline, ticket.number);
  if (was) return;
  standing.epoch = ++epochs_;
  standing.at_once = standing.running.size();
  standing.largest = 0;
  for (const Ticket* running : standing.running) standing.largest = std::max(standing.largest, running->charged);
  for (const auto& [other, theirs] : at.standings)
    if (other != &m && theirs.waits()) restart(at, m, *other);
}

void RefereeBooks::wait_no_more(Ticket& ticket) {
  Standing& standing = *ticket.standing;
  Model& at = *ticket.model;
  --(ticket.lane == Lane::batch ? standing.batch : standing.people);
  --ticket.member->waiting;
  --at.waiting;
  deadlines_.erase({ticket.deadline, ticket.number});
  if (at.waiting == 0) at.virtual_time = std::max(at.virtual_time, standing.count);
}

void RefereeBooks::granted(Ticket& ticket, Engine& engine) {
  Model& at = *ticket.model;
  Standing& standing = *ticket.standing;
  at.virtual_time = standing.count;
  ticket.price = at.price;
  ticket.places = at.ticket_places;
  ticket.engine = &engine;
  ticket.member->places += ticket.places;
  ++ticket.member->running;
  wait_no_more(ticket);
  ++engine.running;
  if (engine.paced && engine.room > 0) --engine.room;
  standing.running.push_back(&ticket);
  standing.at_once = std::max(standing.at_once, standing.running.size());
  ticket.output_charged = output_to_charge(ticket, 0);
  charge(ticket, Work{ticket.prompt_tokens} * ticket.price.prompt + Work{ticket.output_charged} * ticket.price.output);
  summed_up_ = false;
}

void RefereeBooks::withdrawn(Ticket& ticket) {
  wait_no_more(ticket);
  forget(ticket);
  summed_up_ = false;
}

void RefereeBooks::run_no_more(Ticket& ticket) {
  std::erase(ticket.standing->running, &ticket);
  --ticket.engine->running;
  --ticket.member->running;
  ticket.member->places -= ticket.places;
  const Engine* there = ticket.engine;
  ticket.engine = nullptr;
  ticket.revoking = false;
  if (there->gone && there->running == 0) std::erase_if(engines_, [&](const auto& e) { return e.get() == there; });
}

void RefereeBooks::forget(Ticket& ticket) {
  Member& m = *ticket.member;
  Model& at = *ticket.model;
  tickets_.erase(ticket.number);
  if (!at.known && at.waiting == 0) {
    std::erase_if(charged, [&](const auto& c) { return c.first == &at; });
    models_.erase(std::string(at.id));
  }
  if (m.left && !m.active()) erase(m);
}

void RefereeBooks::erase(Member& m) {
  std::erase_if(charged, [&](const auto& c) { return c.second == &m; });
  for (auto& [id, at] : models_) at.standings.erase(&m);
  members_.erase(std::string(m.id));
}

void RefereeBooks::on(const Agree& event) {
  Member& m = named(event.member);
  const std::uint64_t share = std::clamp<std::uint64_t>(event.share, 1, share_max);
  if (m.agreed) agreed_shares_ -= m.share;
  agreed_shares_ += share;
  m.agreed = true;
  m.left = false;
  m.places_max = event.places;
  if (m.share == share) return;
  m.share = share;
  for (auto& [id, at] : models_) {
    const auto own = at.standings.find(&m);
    if (own == at.standings.end() || !own->second.waits()) continue;
    for (const auto& [other, theirs] : at.standings)
      if (other != &m && theirs.waits()) restart(at, m, *other);
  }
}

void RefereeBooks::on(const Restore& event) {
  Member& m = named(event.member);
  m.credit += event.credit;
  m.lent += event.lent;
  m.borrowed += event.borrowed;
}

void RefereeBooks::on(const Leave& event) {
  const auto found = members_.find(event.member);
  if (found == members_.end()) return;
  Member& m = found->second;
  if (m.agreed) agreed_shares_ -= m.share;
  m.agreed = false;
  m.left = true;
  m.credit = 0;
  if (!m.active()) erase(m);
}

void RefereeBooks::on(const EngineIs& event) {
  Engine* there = engine(event.engine);
  if (there != nullptr && there->model->id != event.model) return;
  Model& at = model(event.model);
  at.known = true;
  at.price = {std::min(event.price.prompt, price_max), std::min(event.price.output, price_max)};
  at.ticket_places = std::clamp<std::uint32_t>(event.ticket_places, 1, ticket_places_max);
  if (there == nullptr) {
    engines_.push_back(std::make_unique<Engine>());
    there = engines_.back().get();
    there->id = event.engine;
    there->model = &at;
  }
  there->places = event.places;
  there->paced = event.paced;
  there->held = false;
}

void RefereeBooks::on(const EngineGone& event) {
  Engine* there = engine(event.engine);
  if (there == nullptr) return;
  there->gone = true;
  if (there->running == 0) std::erase_if(engines_, [&](const auto& e) { return e.get() == there; });
}

void RefereeBooks::on(const Arrive& event) {
  auto [found, fresh] = tickets_.try_emplace(event.ticket);
  if (!fresh) return;
  Ticket& ticket = found->second;
  Member& m = named(event.member);
  Model& at = model(event.model);
  ticket.number = event.ticket;
  ticket.member = &m;
  ticket.caller = &m.callers[event.caller];
  ticket.model = &at;
  ticket.standing = &at.standings[&m];
  ticket.order = ++orders_;
  ticket.lane = event.lane;
  ticket.revocable = event.revocable && event.lane == Lane::batch;
  ticket.prompt_tokens = std::min(event.prompt_tokens, tokens_max);
  ticket.output_tokens_max = std::min(event.output_tokens_max, tokens_max);
  ticket.deadline = event.deadline;
  if (!ticket.standing->waits()) {
    // Lifted to the least counted of those who wait and may run, people before batch, less a head start.
    std::optional<std::pair<bool, Count>> least;
    for (const auto& [other, theirs] : at.standings) {
      if (!theirs.waits() || !may_run(*other, at)) continue;
      const std::pair<bool, Count> key{theirs.people == 0, theirs.count};
      if (!least || key < *least) least = key;
    }
    const Work head_start = at.mean_work * settings_.head_start_percent / 100;
    Count& count = ticket.standing->count;
    count = std::max(count, (least ? least->second : at.virtual_time) - per_share(head_start, m.share));
  }
  wait(ticket);
}

void RefereeBooks::on(const Room& event) {
  Engine* there = engine(event.engine);
  if (there == nullptr) return;
  there->held = false;
  if (there->paced) there->room = event.count;
}

void RefereeBooks::on(const Declined& event) {
  Ticket* const declined = ticket(event.ticket);
  if (declined == nullptr || declined->engine == nullptr) return;
  declined->engine->held = true;
  declined->engine->room = 0;
  charge(*declined, declined->delivered - declined->charged);
  run_no_more(*declined);
  wait(*declined);
}

void RefereeBooks::on(const Progress& event) {
  Ticket* const found = ticket(event.ticket);
  if (found == nullptr || found->engine == nullptr) return;
  Ticket& running = *found;
  if (!running.prompt_known && event.prompt_tokens > 0) {
    running.prompt_known = true;
    const std::uint32_t prompt = std::min(event.prompt_tokens, tokens_max);
    charge(running, (Work{prompt} - Work{running.prompt_tokens}) * running.price.prompt);
    running.prompt_tokens = prompt;
  }
  running.output_tokens = std::max(running.output_tokens, std::min(event.output_tokens, tokens_max));
  const std::uint32_t ahead = output_to_charge(running, running.output_tokens);
  if (ahead > running.output_charged) {
    charge(running, Work{ahead - running.output_charged} * running.price.output);
    running.output_charged = ahead;
  }
  deliver(running, running.prompt_known ? running.prompt_tokens : 0, running.output_tokens);
}

void RefereeBooks::on(const End& event) {
  Ticket* const found = ticket(event.ticket);
  if (found == nullptr) return;
  Ticket& ended = *found;
  if (ended.engine == nullptr) {
    if (event.how != Ending::returned) withdrawn(ended);
    return;
  }
  const std::uint32_t output = std::max(std::min(event.output_tokens, tokens_max), ended.output_tokens);
  deliver(ended, std::min(event.prompt_tokens, tokens_max), output);
  charge(ended, ended.delivered - ended.charged);
  ended.engine->held = false;
  Model& at = *ended.model;
  if (event.how == Ending::done) {
    for (Answers* answers : {ended.caller, &ended.member->answers, &at.answers}) answers->add(output);
    at.mean_work += (ended.delivered - at.mean_work) / (at.mean_work == 0 ? 1 : mean_over);
  }
  run_no_more(ended);
  if (event.how != Ending::returned) {
    forget(ended);
    return;
  }
  ended.charged = ended.delivered = 0;
  ended.weighed = 0;
  ended.output_tokens = ended.output_charged = 0;
  ended.prompt_known = false;
  wait(ended);
}

void RefereeBooks::on(const Tick&) {
  for (const auto& engine : engines_) engine->held = false;
}

}  // namespace faelled::commons
