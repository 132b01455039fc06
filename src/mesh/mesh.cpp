#include "mesh/mesh.hpp"

#include <algorithm>
#include <map>
#include <ranges>
#include <string_view>
#include <utility>

#include "base/check.hpp"
#include "base/limits.hpp"

namespace faelled::mesh {
namespace {

constexpr std::size_t positions_told_max = 64;  // further back only the keep-alive tells
// Places in a short line are told at each change; in a long one, where telling means looking at all members, now and
// then.
constexpr std::size_t short_line = 64;
constexpr Duration long_line_told_every = std::chrono::milliseconds(250);
constexpr int interval_over = 8;  // grants

int rank(rpc::EngineState state) {
  switch (state) {
    case rpc::EngineState::ready:
      return 6;
    case rpc::EngineState::waking:
      return 5;
    case rpc::EngineState::starting:
      return 4;
    case rpc::EngineState::draining:
      return 3;
    case rpc::EngineState::asleep:
      return 2;
    case rpc::EngineState::absent:
    case rpc::EngineState::fetching:
      return 1;
    case rpc::EngineState::failed:
      return 0;
  }
  return 0;
}

}  // namespace

Mesh::Mesh(const Clock& clock, Settings settings)
    : clock_(clock),
      settings_(std::move(settings)),
      scheduler_(settings_.commons),
      residents_(clock, settings_.residency, [this](const std::string& model) {
        tell_commons(model);
        tell_waiting(model);
      }) {
  for (const std::string& model : std::exchange(settings_.models, {})) lines_[model];
}

const Mesh::Line* Mesh::line(std::string_view model) const {
  const auto found = lines_.find(model);
  return found == lines_.end() ? nullptr : &found->second;
}

Mesh::Line& Mesh::line_of(const std::string& model) {
  const auto found = lines_.find(model);
  if (found != lines_.end()) return found->second;
  FAELLED_CHECK(residents_.manages(model), "the gateway resolves models against the same catalogue");
  return lines_[model];
}

void Mesh::submit(const rpc::Ticket& ticket, rpc::TicketListener& listener) {
  Line& line = line_of(ticket.model);
  if (line.removed)  // while its request was looked at
    return listener.refused({ticket.number, rpc::RefusalCause::model_removed, {}, {}});
  if (line.fetching && asked_in_vain_) asked_in_vain_(ticket.model);  // who may have newer words
  if (line.fetching) {
    const rpc::Fetching& away = *line.fetching;
    const Duration again = std::max<Duration>(away.left, limits::engine_retry_after);
    return listener.refused({ticket.number,
                             away.failed ? rpc::RefusalCause::model_failed : rpc::RefusalCause::model_fetching, again,
                             away.words, away.words_da});
  }
  const rpc::EngineReport* best = best_report(ticket.model);
  if (best != nullptr && best->state == rpc::EngineState::failed)
    return listener.refused({ticket.number, rpc::RefusalCause::model_failed, limits::engine_retry_after, best->detail});
  if (std::string why = residents_.misfit(ticket.model); !why.empty())
    return listener.refused({ticket.number, rpc::RefusalCause::model_failed, limits::engine_retry_after, why});
  Live& live = live_[ticket.number];
  live = {ticket, &listener, {}, false};
  if (residents_.manages(ticket.model)) residents_.arrived(ticket, share_of(ticket.member));
  commons::Arrive arrive;
  arrive.ticket = ticket.number;
  arrive.member = ticket.member;
  arrive.caller = ticket.caller;
  arrive.model = ticket.model;
  arrive.lane = ticket.lane == rpc::Lane::batch ? commons::Lane::batch : commons::Lane::interactive;
  arrive.revocable = ticket.revocable;
  arrive.prompt_tokens = ticket.prompt_tokens_estimate;
  arrive.output_tokens_max = ticket.output_tokens_max;
  arrive.deadline = Instant::max();  // the gateway keeps it: it knows the client
  decide(std::move(arrive));
  if (const auto still = live_.find(ticket.number); still != live_.end() && !still->second.room) {
    wait(still->second, line);
    const auto order = scheduler_.waiting(ticket.model, line.tickets > short_line ? 1 : line.tickets);
    const auto at = std::ranges::find(order, ticket.number);
    const std::size_t position = at == order.end() ? line.tickets : static_cast<std::size_t>(at - order.begin()) + 1;
    rpc::Waiting waiting = why_waiting(ticket.model);
    waiting.ticket = ticket.number;
    waiting.position = static_cast<std::uint32_t>(position);
    listener.waiting(waiting);
  }
}

void Mesh::progress(const rpc::Progress& progress) {
  decide(commons::Progress{progress.ticket, 0, progress.output_tokens});
}

void Mesh::end(const rpc::End& end) {
  const auto found = live_.find(end.ticket);
  if (found == live_.end()) return;
  draw_until_now();
  Live& live = found->second;
  const std::string model = live.ticket.model;
  Line& line = line_of(model);
  commons::End ended{end.ticket, commons::Ending::cancelled,
                     end.prompt_tokens - std::min(end.cached_tokens, end.prompt_tokens), end.output_tokens};
  if (end.outcome == rpc::Outcome::done) ended.how = commons::Ending::done;
  if (end.outcome == rpc::Outcome::failed) ended.how = commons::Ending::failed;
  if (end.returned && live.room) ended.how = commons::Ending::returned;
  const bool ran = live.room.has_value();
  if (ran) {
    const Room room = *live.room;
    if (const auto engine = engines_.find(room.engine); engine != engines_.end()) {
      // An engine forgets the former member only when it begins the new one's prompt (engines/dialect.hpp).
      engine->second.places[room.place].ticket = 0;
      if (end.prompt_tokens > 0 && !end.prompt_assumed) {
        engine->second.places[room.place].member = live.ticket.member;
        engine->second.places[room.place].adapter = live.ticket.adapter;
      }
      engine->second.free.push_back(room.place);
    }
    if (end.engine_fault && engine_fault_) engine_fault_(room.engine);
    live.room.reset();
    if (ended.how == commons::Ending::returned) wait(live, line);
  } else {
    unwait(live, line);
  }
  if (ended.how == commons::Ending::returned) {
    residents_.returned(live.ticket, share_of(live.ticket.member));
  } else {
    const rpc::Ticket ticket = std::move(live.ticket);
    live_.erase(found);
    residents_.ended(ticket, ran);
  }
  decide(ended);
  // What was to be tried again has nothing to wait for.
  if (line.removed) return refuse_all(model, rpc::RefusalCause::model_removed, {}, {});
  tell_waiting(model, line);
}

void Mesh::report(const rpc::Report& report) {
  draw_until_now();
  std::vector<std::string> gone;
  for (const auto& [id, engine] : engines_)
    if (engine.node == report.node &&
        std::ranges::none_of(report.engines, [&](const rpc::EngineReport& e) { return e.engine == id; }))
      gone.push_back(id);
  for (const std::string& id : gone) {
    engines_.erase(id);
    decide(commons::EngineGone{id});
  }
  std::vector<std::string> touched;
  for (const rpc::EngineReport& told : report.engines) {
    std::uint64_t& restarts = restarts_[{report.node, told.model, told.device}];
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
  residents_.report(report);
  for (const std::string& model : touched) tell_commons(model);
  for (const std::string& model : touched) {
    const rpc::EngineReport* best = best_report(model);
    if (best == nullptr || best->state != rpc::EngineState::failed) {
      tell_waiting(model);
      continue;
    }
    refuse_all(model, rpc::RefusalCause::model_failed, limits::engine_retry_after, std::string(best->detail));
  }
}

void Mesh::refuse_all(const std::string& model, rpc::RefusalCause cause, Duration retry_after,
                      const std::string& detail) {
  std::vector<std::uint64_t> waiting;
  for (const auto& [number, live] : live_)
    if (!live.room && live.ticket.model == model) waiting.push_back(number);
  std::ranges::sort(waiting);
  for (const std::uint64_t number : waiting) {
    decide(commons::End{number, commons::Ending::cancelled, 0, 0});
    refuse(number, cause, retry_after, detail);
  }
}

void Mesh::add_model(const std::string& model) { lines_[model].removed = false; }

bool Mesh::is_held_back(const std::string& model) const {
  const Line* found = line(model);
  return found != nullptr && found->fetching;
}

void Mesh::know(const Resident& model) {
  const bool first = !residents_.manages(model.model);
  Line& line = lines_[model.model];
  line.fetching.reset();
  // What runs on it elsewhere, where it was till now, has its line still.
  const auto of_it = [&](const auto& live) { return live.second.ticket.model == model.model; };
  if (first && line.tickets == 0 && std::ranges::none_of(live_, of_it)) lines_.erase(model.model);
  residents_.know(model);
}

void Mesh::learned(Habits habits) {
  std::erase_if(habits, [this](const auto& one) { return !in_catalogue(one.first); });
  residents_.learned(habits);
}

void Mesh::learned(Loads loads) {
  std::erase_if(loads, [this](const auto& one) { return !in_catalogue(one.first); });
  residents_.learned(loads);
}

void Mesh::hold_back(const std::string& model, rpc::Fetching fetching) {
  if (!in_catalogue(model)) return;
  if (Line& line = line_of(model); !line.removed) line.fetching = std::move(fetching);
}

void Mesh::remove_model(const std::string& model) {
  if (line(model) == nullptr && !residents_.manages(model)) return;
  Line& line = line_of(model);
  if (std::exchange(line.removed, true)) return;
  line.fetching.reset();
  residents_.forget(model);
  refuse_all(model, rpc::RefusalCause::model_removed, {}, {});
}

void Mesh::tell_commons(const std::string& model) {
  std::vector<commons::EngineIs> all;
  for (const auto& [id, engine] : engines_) {
    if (engine.report.model != model) continue;
    commons::EngineIs is;
    is.engine = id;
    is.model = model;
    is.places = serves(engine) && !engine.report.adapting ? engine.report.places : 0;
    all.push_back(std::move(is));
  }
  for (const commons::EngineIs& is : all) decide(is);
}

double Mesh::share_of(const std::string& member) const {
  const auto known = scheduler_.member(member);
  return known ? static_cast<double>(known->share) : 1;
}

std::optional<rpc::ModelledEnergy> Mesh::energy() const {
  if (!energy_.modelled()) return std::nullopt;
  return rpc::ModelledEnergy{energy_.idle_wh(), energy_.load_wh()};
}

// Of engines as they were since the last time: whatever changes one of them asks for this first.
void Mesh::draw_until_now() {
  if (!energy_.modelled()) return;
  std::map<std::pair<std::string_view, std::string_view>, bool> idles;  // devices with engines, by node and name
  std::size_t loading = 0;
  for (const auto& [id, engine] : engines_) {
    using enum rpc::EngineState;
    const rpc::EngineState state = engine.report.state;
    if (!residents_.manages(engine.report.model)) continue;
    if (state == absent || state == failed) continue;
    loading += state == starting || state == waking ? 1 : 0;
    const bool idle = state == asleep || (state == ready && engine.free.size() == engine.places.size());
    const auto device = idles.try_emplace({engine.node, engine.report.device}, true).first;
    device->second = device->second && idle;
  }
  const auto idle = std::ranges::count(idles | std::views::values, true);
  energy_.pass(clock_.now(), static_cast<std::size_t>(idle), loading);
}

void Mesh::tick() {
  draw_until_now();
  decide(commons::Tick{});
  chronicle_.look(clock_.wall(), scheduler_);
}

void Mesh::decide(const commons::Event& event) {
  const Instant now = clock_.now();
  const std::span<const commons::Action> actions = scheduler_.step(now, event);
  if (witness_) witness_(now, event, actions);
  to_do_.insert(to_do_.end(), actions.begin(), actions.end());
  carry_out();
}

// A listener may call back into decide(): what that leads to is done here too, in order, by the outermost call.
void Mesh::carry_out() {
  if (doing_) return;
  doing_ = true;
  while (!to_do_.empty()) {
    const commons::Action action = std::move(to_do_.front());
    to_do_.pop_front();
    if (const auto* granted = std::get_if<commons::Grant>(&action)) grant(*granted);
    if (const auto* revoke = std::get_if<commons::Revoke>(&action))
      if (const auto found = live_.find(revoke->ticket); found != live_.end()) found->second.listener->revoked();
    if (const auto* refused = std::get_if<commons::Refuse>(&action))
      refuse(refused->ticket, rpc::RefusalCause::queue_full, limits::queue_full_retry_after, {});
  }
  doing_ = false;
}

void Mesh::grant(const commons::Grant& granted) {
  const auto found = live_.find(granted.ticket);
  if (found == live_.end()) return;  // it was withdrawn by what was done before; its End is among the events
  draw_until_now();
  Live& live = found->second;
  Line& line = line_of(live.ticket.model);
  unwait(live, line);
  const Instant now = clock_.now();
  if (line.tickets > 0) {
    if (line.granted != Instant{}) line.interval += (now - line.granted - line.interval) / interval_over;
    line.granted = now;
  } else {
    line.granted = {};
  }
  const auto engine = engines_.find(granted.engine);
  if (engine == engines_.end() || !serves(engine->second)) {  // it has gone since, or goes
    wait(live, line);
    // Or it would be granted the same place again, until the commons is told; whoever closed the engine is about to.
    if (engine != engines_.end()) {
      commons::EngineIs closed;
      closed.engine = granted.engine;
      closed.model = engine->second.report.model;
      decide(std::move(closed));
    }
    return decide(commons::End{granted.ticket, commons::Ending::returned, 0, 0});
  }
  chronicle_.waited(live.ticket.member, now - live.ticket.admitted);
  const rpc::Grant grant = take(engine->second, live.ticket);
  live.room = Room{grant.engine, grant.place};
  residents_.started(live.ticket, engine->second.node, engine->second.report.device);
  if (const auto still = live_.find(granted.ticket); still != live_.end()) still->second.listener->granted(grant);
}

// Of what waits; the commons knows already.
void Mesh::refuse(std::uint64_t number, rpc::RefusalCause cause, Duration retry_after, const std::string& detail) {
  const auto found = live_.find(number);
  if (found == live_.end() || found->second.room) return;
  rpc::TicketListener* listener = found->second.listener;
  unwait(found->second, line_of(found->second.ticket.model));
  const rpc::Ticket ticket = std::move(found->second.ticket);
  live_.erase(found);
  residents_.ended(ticket, false);
  listener->refused({number, cause, retry_after, detail});
}

void Mesh::wait(Live& live, Line& line) {
  if (!std::exchange(live.in_line, true)) ++line.tickets;
}

void Mesh::unwait(Live& live, Line& line) {
  if (std::exchange(live.in_line, false)) --line.tickets;
}

rpc::Grant Mesh::take(Engine& engine, const rpc::Ticket& ticket) {
  // The member's own last place first (its words may still be there, read by the same adapter), else the one unused for
  // longest.
  FAELLED_CHECK(!engine.free.empty(), "the commons counts places as we do");
  std::size_t chosen = engine.free.size() - 1;
  if (engine.report.engine_kind == "llama") {  // elsewhere places are only counted
    const auto better = [&](const Place& a, const Place& b) {
      const bool a_mine = a.member == ticket.member && a.adapter == ticket.adapter;
      const bool b_mine = b.member == ticket.member && b.adapter == ticket.adapter;
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
  grant.node = engine.node;
  grant.engine = engine.report.engine;
  grant.endpoint = engine.report.endpoint;
  grant.engine_kind = engine.report.engine_kind;
  grant.upstream_model = engine.report.upstream_model;
  grant.tools = engine.report.tools;
  grant.place = index;
  grant.place_changed_member = place.member != ticket.member || place.adapter != ticket.adapter;
  const auto& adapters = engine.report.adapters;
  grant.adapters = static_cast<std::uint32_t>(adapters.size());
  if (!ticket.adapter.empty()) {
    const auto found = std::ranges::find(adapters, ticket.adapter, &rpc::EngineAdapter::name);
    if (found != adapters.end()) {
      grant.adapter = static_cast<std::uint32_t>(found - adapters.begin());
      if (!found->upstream_model.empty()) grant.upstream_model = found->upstream_model;
    }
  }
  place = {ticket.number, {}, {}, ++grants_};
  return grant;
}

void Mesh::tell_waiting(const std::string& model) {
  if (const auto known = lines_.find(model); known != lines_.end()) tell_waiting(model, known->second);
}

void Mesh::tell_waiting(const std::string& model, Line& line) {
  if (line.tickets == 0) return;
  const Instant now = clock_.now();
  if (line.tickets > short_line && now - line.told < long_line_told_every) return;
  line.told = now;
  const std::vector<std::uint64_t> order = scheduler_.waiting(model, positions_told_max);
  rpc::Waiting waiting = why_waiting(model);
  for (const std::uint64_t number : order)
    if (const auto found = live_.find(number); found != live_.end() && !found->second.room) {
      waiting.ticket = number;
      ++waiting.position;
      found->second.listener->waiting(waiting);
    }
}

// All but whose it is and the place: the same for all in a line.
rpc::Waiting Mesh::why_waiting(const std::string& model) const {
  rpc::Waiting waiting;
  waiting.model_ready = std::ranges::any_of(
      engines_, [&](const auto& named) { return named.second.report.model == model && serves(named.second); });
  if (waiting.model_ready) return waiting;
  const rpc::EngineReport* best = best_report(model);
  const Duration coming = residents_.ready_in(model);
  waiting.ready_in = coming > Duration{} || best == nullptr ? coming : best->ready_in;
  waiting.promised = residents_.promise(model);
  return waiting;
}

bool Mesh::serves(const Engine& engine) const {
  const rpc::EngineReport& report = engine.report;
  return report.state == rpc::EngineState::ready && !residents_.closed(report.model, engine.node, report.device);
}

const rpc::EngineReport* Mesh::best_report(const std::string& model) const {
  const rpc::EngineReport* best = nullptr;
  for (const auto& [id, engine] : engines_)
    if (engine.report.model == model && (best == nullptr || rank(engine.report.state) > rank(best->state)))
      best = &engine.report;
  return best;
}

}  // namespace faelled::mesh
