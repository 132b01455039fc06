#include "commons/scheduler.hpp"

#include "commons/scheduler_body.hpp"

namespace faelled::commons {

Scheduler::Scheduler(Settings settings) : body_(std::make_unique<Body>(settings)) {}
Scheduler::~Scheduler() = default;

std::span<const Action> Scheduler::step(Instant now, const Event& event) {
  body_->begin(now);
  std::visit([this](const auto& what) { body_->on(what); }, event);
  return body_->actions_;
}

Explanation Scheduler::explain(TicketNumber ticket) const { return body_->explain(ticket); }

std::optional<MemberState> Scheduler::member(std::string_view id) const {
  const auto found = body_->members_.find(id);
  if (found == body_->members_.end()) return std::nullopt;
  return body_->state_of(found->second);
}

std::vector<MemberState> Scheduler::members() const {
  std::vector<MemberState> out;
  for (const auto& [id, member] : body_->members_) out.push_back(body_->state_of(member));
  return out;
}

std::vector<TicketNumber> Scheduler::waiting(std::string_view model, std::size_t limit) const {
  const auto found = body_->lines_.find(model);
  return found == body_->lines_.end() ? std::vector<TicketNumber>{} : body_->order(found->second, limit);
}

std::optional<Instant> Scheduler::next_tick() const {
  if (!body_->begun_) return std::nullopt;
  const Instant settles = body_->settled_ + body_->settings_.settle_every;
  return body_->deadlines_.empty() ? settles : std::min(settles, body_->deadlines_.begin()->first);
}

Work Scheduler::capacity_per_s() const { return body_->capacity_per_s_; }

std::size_t Scheduler::waiting() const { return body_->tickets_.size() - body_->running_; }
std::size_t Scheduler::running() const { return body_->running_; }

}  // namespace faelled::commons
