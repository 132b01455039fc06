#include "mesh/mesh.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/limits.hpp"

namespace faelled::mesh {
namespace {

constexpr std::size_t positions_told_max = 64;  // further back only the keep-alive tells

int rank(rpc::EngineState state) {
  switch (state) {
    case rpc::EngineState::ready:
      return 4;
    case rpc::EngineState::starting:
      return 3;
    case rpc::EngineState::draining:
      return 2;
    case rpc::EngineState::absent:
      return 1;
    case rpc::EngineState::failed:
      return 0;
  }
  return 0;
}

}  // namespace

Mesh::Mesh(Settings settings) : settings_(std::move(settings)) {
  for (const std::string& model : settings_.models) lines_[model];
}

void Mesh::submit(const rpc::Ticket& ticket, rpc::TicketListener& listener) {
  const auto found = lines_.find(ticket.model);
  FAELLED_CHECK(found != lines_.end(), "the gateway resolves models against the same catalogue");
  Line& line = found->second;
  const rpc::EngineReport* best = best_report(ticket.model);
  if (best != nullptr && best->state == rpc::EngineState::failed)
    return listener.refused({ticket.number, rpc::RefusalCause::model_failed, limits::engine_retry_after, best->detail});
  if (line.held.empty()) {
    if (Engine* engine = with_room(ticket.model)) return listener.granted(take(*engine, ticket));
  }
  if (line.held.size() >= settings_.waiting_max)
    return listener.refused({ticket.number, rpc::RefusalCause::queue_full, limits::queue_full_retry_after, {}});
  line.held.push_back({ticket, &listener});
  listener.waiting(waiting_of(ticket.model, ticket.number, line.held.size()));
}

void Mesh::end(const rpc::End& end) {
  if (const auto found = running_.find(end.ticket); found != running_.end()) {
    const Room room = found->second;
    running_.erase(found);
    const auto engine = engines_.find(room.engine);
    if (engine == engines_.end()) return;  // it has gone meanwhile, and its places with it
    // An engine forgets the former member only when it begins the new one's prompt (engines/dialect.hpp).
    engine->second.places[room.place].ticket = 0;
    if (end.prompt_tokens > 0) engine->second.places[room.place].member = room.member;
    engine->second.free.push_back(room.place);
    if (end.engine_fault && engine_fault_) engine_fault_(room.engine);
    return dispatch(std::string(engine->second.report.model));
  }
  for (auto& [model, line] : lines_) {
    const auto held = std::ranges::find(line.held, end.ticket, [](const Held& h) { return h.ticket.number; });
    if (held == line.held.end()) continue;
    line.held.erase(held);
    return tell_waiting(model);
  }
}

std::vector<rpc::ModelStatus> Mesh::models() const {
  std::vector<rpc::ModelStatus> all;
  for (const auto& [model, line] : lines_) {
    rpc::ModelStatus status;
    status.model = model;
    status.waiting = static_cast<std::uint32_t>(line.held.size());
    if (const rpc::EngineReport* best = best_report(model)) {
      status.state = best->state;
      status.detail = best->detail;
      status.ready_in = best->ready_in;
      status.context_tokens = best->context_tokens;
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

void Mesh::report(const rpc::Report& report) {
  std::erase_if(engines_, [&](const auto& entry) {
    return entry.second.node == report.node &&
           std::ranges::none_of(report.engines, [&](const rpc::EngineReport& e) { return e.engine == entry.first; });
  });
  std::vector<std::string> touched;
  for (const rpc::EngineReport& told : report.engines) {
    std::uint64_t& restarts = restarts_[{report.node, told.model}];
    if (told.restarts > restarts && engine_restart_) engine_restart_(told.model, told.restarts - restarts);
    restarts = told.restarts;
    Engine& engine = engines_[told.engine];
    engine.node = report.node;
    engine.report = told;
    if (engine.places.size() < told.places) {  // never fewer: a place may be in use
      for (auto i = static_cast<std::uint32_t>(engine.places.size()); i < told.places; ++i) engine.free.push_back(i);
      engine.places.resize(told.places);
    }
    touched.push_back(told.model);
  }
  for (const std::string& model : touched) {
    const rpc::EngineReport* best = best_report(model);
    if (best != nullptr && best->state == rpc::EngineState::failed) {
      const std::string detail = best->detail;
      std::deque<Held> held = std::exchange(lines_[model].held, {});
      for (const Held& h : held)
        h.listener->refused({h.ticket.number, rpc::RefusalCause::model_failed, limits::engine_retry_after, detail});
      continue;
    }
    dispatch(model);
    tell_waiting(model);
  }
}

std::size_t Mesh::waiting() const {
  std::size_t all = 0;
  for (const auto& [model, line] : lines_) all += line.held.size();
  return all;
}

Mesh::Engine* Mesh::with_room(const std::string& model) {
  Engine* best = nullptr;
  for (auto& [id, engine] : engines_) {
    if (engine.report.model != model || engine.report.state != rpc::EngineState::ready || engine.free.empty()) continue;
    if (best == nullptr || engine.free.size() > best->free.size()) best = &engine;
  }
  return best;
}

rpc::Grant Mesh::take(Engine& engine, const rpc::Ticket& ticket) {
  // The member's own last place first (its words may still be there), else the one unused for longest.
  FAELLED_CHECK(!engine.free.empty(), "with_room chose this engine");
  std::size_t chosen = engine.free.size() - 1;
  if (engine.report.engine_kind == "llama") {  // elsewhere places are only counted
    const auto better = [&](const Place& a, const Place& b) {
      const bool a_mine = a.member == ticket.member;
      const bool b_mine = b.member == ticket.member;
      if (a_mine != b_mine) return a_mine;
      return a_mine ? a.used > b.used : a.used < b.used;
    };
    for (std::size_t i = 0; i < engine.free.size(); ++i)
      if (better(engine.places[engine.free[i]], engine.places[engine.free[chosen]])) chosen = i;
  }
  const std::uint32_t index = engine.free[chosen];
  engine.free[chosen] = engine.free.back();
  engine.free.pop_back();
  Place& place = engine.places[index];
  rpc::Grant grant;
  grant.ticket = ticket.number;
  grant.epoch = settings_.epoch;
  grant.node = engine.node;
  grant.engine = engine.report.engine;
  grant.endpoint = engine.report.endpoint;
  grant.engine_kind = engine.report.engine_kind;
  grant.upstream_model = engine.report.upstream_model;
  grant.tools = engine.report.tools;
  grant.place = index;
  grant.place_changed_member = place.member != ticket.member;
  place = {ticket.number, {}, ++grants_};
  running_[ticket.number] = {engine.report.engine, grant.place, ticket.member};
  return grant;
}

// A listener may call back into end() or submit(): nothing is held across its call.
void Mesh::dispatch(const std::string& model) {
  bool granted = false;
  while (true) {
    Line& line = lines_[model];
    if (line.held.empty()) break;
    Engine* engine = with_room(model);
    if (engine == nullptr) break;
    const Held next = std::move(line.held.front());
    line.held.pop_front();
    granted = true;
    next.listener->granted(take(*engine, next.ticket));
  }
  if (granted) tell_waiting(model);
}

void Mesh::tell_waiting(const std::string& model) {
  std::vector<std::pair<rpc::TicketListener*, rpc::Waiting>> told;
  const Line& line = lines_[model];
  for (std::size_t i = 0; i < std::min(line.held.size(), positions_told_max); ++i)
    told.emplace_back(line.held[i].listener, waiting_of(model, line.held[i].ticket.number, i + 1));
  for (const auto& [listener, waiting] : told) listener->waiting(waiting);
}

rpc::Waiting Mesh::waiting_of(const std::string& model, std::uint64_t ticket, std::size_t position) const {
  const rpc::EngineReport* best = best_report(model);
  const bool ready = best != nullptr && best->state == rpc::EngineState::ready;
  return {ticket, static_cast<std::uint32_t>(position), ready, best == nullptr || ready ? Duration{} : best->ready_in};
}

const rpc::EngineReport* Mesh::best_report(const std::string& model) const {
  const rpc::EngineReport* best = nullptr;
  for (const auto& [id, engine] : engines_)
    if (engine.report.model == model && (best == nullptr || rank(engine.report.state) > rank(best->state)))
      best = &engine.report;
  return best;
}

}  // namespace faelled::mesh
