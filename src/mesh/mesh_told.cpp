// What the mesh tells of itself: models, tickets, memory and shares as they stand.
#include <algorithm>
#include <utility>

#include "mesh/mesh.hpp"

namespace faelled::mesh {
namespace {

rpc::WaitCause cause_of(commons::Explanation::Cause cause) {
  switch (cause) {
    case commons::Explanation::Cause::none:
      break;
    case commons::Explanation::Cause::no_engine:
      return rpc::WaitCause::model_not_ready;
    case commons::Explanation::Cause::places:
      return rpc::WaitCause::places;
    case commons::Explanation::Cause::colleagues:
      return rpc::WaitCause::colleagues;
    case commons::Explanation::Cause::floor_claims:
      return rpc::WaitCause::floor_claims;
    case commons::Explanation::Cause::borrowing:
      return rpc::WaitCause::borrowing;
  }
  return rpc::WaitCause::none;
}

rpc::EngineState state_of(const rpc::Fetching& fetching) {
  return fetching.failed ? rpc::EngineState::failed : rpc::EngineState::fetching;
}

}  // namespace

rpc::EngineState Mesh::state(const std::string& model) const {
  const auto line = lines_.find(model);
  if (line != lines_.end() && line->second.fetching) return state_of(*line->second.fetching);
  if (!residents_.misfit(model).empty()) return rpc::EngineState::failed;
  const rpc::EngineReport* best = best_report(model);
  return best == nullptr ? rpc::EngineState::absent : best->state;
}

std::vector<rpc::ModelStatus> Mesh::models() const {
  std::vector<rpc::ModelStatus> all;
  for (const auto& [model, line] : lines_) {
    if (line.removed) continue;
    rpc::ModelStatus status;
    status.model = model;
    status.waiting = static_cast<std::uint32_t>(line.tickets);
    if (const rpc::EngineReport* best = best_report(model)) {
      status.state = best->state;
      status.detail = best->detail;
      status.ready_in = best->ready_in;
      status.context_tokens = best->context_tokens;
    }
    if (status.state != rpc::EngineState::ready)
      if (const Duration coming = residents_.ready_in(model); coming > Duration{}) status.ready_in = coming;
    if (std::string why = residents_.misfit(model); !why.empty()) {
      status.state = rpc::EngineState::failed;
      status.detail = std::move(why);
    }
    if (line.fetching) {
      status.state = state_of(*line.fetching);
      status.detail = line.fetching->detail;
      status.ready_in = line.fetching->left;
    }
    for (const auto& [id, engine] : engines_) {
      if (engine.report.model != model || engine.report.state != rpc::EngineState::ready) continue;
      status.places += static_cast<std::uint32_t>(engine.places.size());
      status.running += static_cast<std::uint32_t>(engine.places.size() - engine.free.size());
    }
    all.push_back(std::move(status));
  }
  return all;
}

std::optional<rpc::TicketStatus> Mesh::ticket(std::uint64_t number) const {
  const auto found = live_.find(number);
  if (found == live_.end()) return std::nullopt;
  const rpc::Ticket& ticket = found->second.ticket;
  const commons::Explanation explained = scheduler_.explain(number);
  rpc::TicketStatus status;
  status.ticket = number;
  status.request_id = ticket.request_id;
  status.member = ticket.member;
  status.caller = ticket.caller;
  status.model = ticket.adapter.empty() ? ticket.model : ticket.model + ":" + ticket.adapter;
  status.lane = ticket.lane;
  status.running = found->second.room.has_value();
  status.cause = cause_of(explained.cause);
  status.position = status.running ? 0 : explained.position;
  status.share_percent = explained.share_percent;
  status.waited = clock_.now() - ticket.admitted;
  status.turn_in = lines_.find(ticket.model)->second.interval * status.position;
  return status;
}

std::optional<rpc::TicketStatus> Mesh::ticket(std::string_view request_id) const {
  // Seldom asked: no index is kept for it at every request.
  const auto found =
      std::ranges::find_if(live_, [&](const auto& entry) { return entry.second.ticket.request_id == request_id; });
  return found == live_.end() ? std::nullopt : ticket(found->first);
}

std::vector<rpc::ModelResidency> Mesh::residency() const {
  std::vector<rpc::ModelResidency> all;
  for (const auto& [model, line] : lines_)
    if (auto one = residency(model)) all.push_back(std::move(*one));
  return all;
}

std::optional<rpc::ModelResidency> Mesh::residency(std::string_view named) const {
  const auto found = lines_.find(named);
  if (found == lines_.end()) return std::nullopt;
  const auto& [model, line] = *found;
  auto known = residents_.residency(model);
  if (!known && line.removed) return std::nullopt;
  if (!known) {  // somebody else's: it is where it is
    known.emplace();
    known->model = model;
    if (const rpc::EngineReport* best = best_report(model)) {
      known->state = best->state;
      known->detail = best->detail;
      known->load_time = best->load_time;
      known->ready_in = best->ready_in;
    }
    known->waiting = static_cast<std::uint32_t>(line.tickets);
    for (const auto& [id, engine] : engines_)
      if (engine.report.model == model)
        known->running += static_cast<std::uint32_t>(engine.places.size() - engine.free.size());
  }
  if (line.fetching) {
    known->state = state_of(*line.fetching);
    known->detail = line.fetching->detail;
    known->ready_in = line.fetching->left;
    known->fetching = line.fetching;
  }
  return known;
}

rpc::MemberShare Mesh::share_of(const commons::MemberState& state) const {
  const Chronicle::Waits waits = chronicle_.waits(state.member);
  rpc::MemberShare out;
  out.member = state.member;
  out.share = state.share;
  out.shares_all = state.shares_all;
  out.places = state.places;
  out.places_max = state.places_max;
  out.waiting = state.waiting;
  out.running = state.running;
  out.recent = state.recent;
  out.floor = state.floor;
  out.entitled_per_s = state.entitled_per_s;
  out.delivered = state.delivered;
  out.lent = state.lent;
  out.borrowed = state.borrowed;
  out.credit = state.credit;
  out.wait_p50 = waits.p50;
  out.wait_p95 = waits.p95;
  return out;
}

std::vector<rpc::MemberShare> Mesh::shares() const {
  std::vector<rpc::MemberShare> out;
  for (const commons::MemberState& state : scheduler_.members()) out.push_back(share_of(state));
  return out;
}

std::optional<rpc::MemberShare> Mesh::share(std::string_view member) const {
  const auto state = scheduler_.member(member);
  return state ? std::optional(share_of(*state)) : std::nullopt;
}

}  // namespace faelled::mesh
