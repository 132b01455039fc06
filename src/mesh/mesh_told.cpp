// What the mesh tells of itself: models, tickets, memory and shares as they stand.
#include <algorithm>
#include <set>
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

// Both kinds of status say alike how far a model is.
template <class Status>
void tell(Status& status, const rpc::EngineReport& best) {
  status.state = best.state;
  status.detail = best.detail;
  status.ready_in = best.ready_in;
}

template <class Status>
void tell(Status& status, const rpc::Fetching& fetching) {
  status.state = state_of(fetching);
  status.detail = fetching.detail;
  status.ready_in = fetching.left;
}

}  // namespace

rpc::EngineState Mesh::state(const std::string& model) const {
  if (const Line* known = line(model); known != nullptr && known->fetching) return state_of(*known->fetching);
  if (!residents_.misfit(model).empty()) return rpc::EngineState::failed;
  const rpc::EngineReport* best = best_report(model);
  return best == nullptr ? rpc::EngineState::absent : best->state;
}

rpc::ModelStatus Mesh::status_of(const std::string& model, const Line* line) const {
  rpc::ModelStatus status;
  status.model = model;
  if (line != nullptr) status.waiting = static_cast<std::uint32_t>(line->tickets);
  if (const rpc::EngineReport* best = best_report(model)) {
    tell(status, *best);
    status.context_tokens = best->context_tokens;
  }
  if (status.state != rpc::EngineState::ready)
    if (const Duration coming = residents_.ready_in(model); coming > Duration{}) status.ready_in = coming;
  if (std::string why = residents_.misfit(model); !why.empty()) {
    status.state = rpc::EngineState::failed;
    status.detail = std::move(why);
  }
  if (line != nullptr && line->fetching) tell(status, *line->fetching);
  for (const auto& [id, engine] : engines_) {
    if (engine.report.model != model || engine.report.state != rpc::EngineState::ready) continue;
    status.places += static_cast<std::uint32_t>(engine.places.size());
    status.running += static_cast<std::uint32_t>(engine.places.size() - engine.free.size());
  }
  return status;
}

// Of the catalogue, in order.
std::vector<std::string> Mesh::names() const {
  std::vector<std::string> all;
  for (const auto& [model, line] : lines_)
    if (!line.removed) all.push_back(model);
  for (std::uint32_t m = 0; m < residents_.names().size(); ++m)
    if (const std::string_view model = residents_.names().name(m); !lines_.contains(model)) all.emplace_back(model);
  std::ranges::sort(all);
  return all;
}

std::vector<rpc::ModelStatus> Mesh::models() const {
  std::vector<rpc::ModelStatus> all;
  for (const std::string& model : names()) all.push_back(status_of(model, line(model)));
  return all;
}

std::optional<rpc::ModelStatus> Mesh::model(std::string_view id) const {
  const Line* known = line(id);
  if (known != nullptr ? known->removed : !residents_.manages(id)) return std::nullopt;
  return status_of(std::string(id), known);
}

std::vector<std::string> Mesh::failed() const {
  std::set<std::string> all;
  for (const auto& [id, engine] : engines_) all.insert(engine.report.model);
  for (const auto& [model, line] : lines_)
    if (line.fetching && line.fetching->failed) all.insert(model);
  for (const std::string_view model : residents_.misfits()) all.emplace(model);
  std::erase_if(all, [&](const std::string& model) {
    const Line* known = line(model);
    return (known != nullptr && known->removed) || state(model) != rpc::EngineState::failed;
  });
  return {all.begin(), all.end()};
}

std::vector<std::string> Mesh::with_engines() const {
  std::set<std::string> all;
  for (const auto& [id, engine] : engines_) all.insert(engine.report.model);
  return {all.begin(), all.end()};
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
  if (const Line* known = line(ticket.model)) status.turn_in = known->interval * status.position;
  return status;
}

std::optional<rpc::TicketStatus> Mesh::ticket(std::string_view request_id) const {
  // Seldom asked: no index is kept for it at every request.
  const auto found =
      std::ranges::find_if(live_, [&](const auto& entry) { return entry.second.ticket.request_id == request_id; });
  return found == live_.end() ? std::nullopt : ticket(found->first);
}

std::vector<std::string> Mesh::in_use() const {
  std::set<std::string> all;
  for (const std::string_view model : residents_.in_use()) all.emplace(model);
  for (const auto& [id, engine] : engines_) all.insert(engine.report.model);
  for (const auto& [number, live] : live_) all.insert(live.ticket.model);
  return {all.begin(), all.end()};
}

std::optional<rpc::ModelResidency> Mesh::residency(std::string_view named) const {
  const Line* line = this->line(named);
  if (line == nullptr && !residents_.manages(named)) return std::nullopt;
  const std::string model(named);
  auto known = residents_.residency(model);
  if (!known && (line == nullptr || line->removed)) return std::nullopt;
  if (!known) {  // somebody else's: it is where it is
    known.emplace();
    known->model = model;
    if (const rpc::EngineReport* best = best_report(model)) {
      tell(*known, *best);
      known->load_time = best->load_time;
    }
    known->waiting = static_cast<std::uint32_t>(line->tickets);
    for (const auto& [id, engine] : engines_)
      if (engine.report.model == model)
        known->running += static_cast<std::uint32_t>(engine.places.size() - engine.free.size());
  }
  if (line != nullptr && line->fetching) {
    tell(*known, *line->fetching);
    known->fetching = line->fetching;
  }
  known->adapters = adapters_of(model);
  return known;
}

std::vector<std::string> Mesh::adapters_of(std::string_view model) const {
  std::optional<std::vector<std::string>> all;
  for (const auto& [id, engine] : engines_) {
    if (engine.report.model != model || engine.report.state != rpc::EngineState::ready) continue;
    std::vector<std::string> its;
    if (!engine.report.adapting)
      for (const rpc::EngineAdapter& adapter : engine.report.adapters) its.push_back(adapter.name);
    if (all) std::erase_if(its, [&](const std::string& name) { return std::ranges::find(*all, name) == all->end(); });
    all = std::move(its);
  }
  return std::move(all).value_or(std::vector<std::string>());
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
