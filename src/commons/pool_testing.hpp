// Pool: a scheduler with a clock and short words for what happens, for tests. A request's work is its prompt's tokens
// alone unless a test says otherwise (no output is guessed), so that sums can be read off the test.
#pragma once

#include <string>
#include <vector>

#include "commons/scheduler.hpp"

namespace faelled::commons {

struct Wish {
  std::string member = "a";
  std::uint32_t work = 100;
  std::string caller = "u";
  std::string model = "m";
  Lane lane = Lane::interactive;
  bool revocable = false;
  Duration patience = std::chrono::hours(24);
};

class Pool {
 public:
  static Settings prompts_alone() {
    Settings settings;
    settings.output_tokens_guess = 0;
    return settings;
  }

  explicit Pool(const Settings& settings = prompts_alone()) : scheduler(settings) {}

  std::vector<Action> step(const Event& event) {
    const auto actions = scheduler.step(now, event);
    last.assign(actions.begin(), actions.end());
    return last;
  }

  void pass(Duration time) {
    now += time;
    step(Tick{});
  }

  void agree(std::string member, std::uint64_t share, std::uint32_t places = 0) {
    step(Agree{std::move(member), share, places});
  }

  void engine(std::string id, std::uint32_t places, std::string model = "m", std::uint32_t ticket_places = 1) {
    step(EngineIs{std::move(id), std::move(model), places, ticket_places, false, Price{}});
  }

  void paced_engine(std::string id, std::string model = "m") {
    step(EngineIs{std::move(id), std::move(model), 1000, 1, true, Price{}});
  }

  TicketNumber ask(const Wish& wish = {}) {
    Arrive arrive;
    arrive.ticket = ++tickets;
    arrive.member = wish.member;
    arrive.caller = wish.caller;
    arrive.model = wish.model;
    arrive.lane = wish.lane;
    arrive.revocable = wish.revocable;
    arrive.prompt_tokens = wish.work;
    arrive.deadline = now + wish.patience;
    step(arrive);
    return tickets;
  }

  TicketNumber ask(std::string member, std::uint32_t work = 100, std::string caller = "u") {
    Wish wish;
    wish.member = std::move(member);
    wish.work = work;
    wish.caller = std::move(caller);
    return ask(wish);
  }

  // It ends with the work that it asked for.
  std::vector<Action> end(TicketNumber ticket, std::uint32_t work = 100, Ending how = Ending::done) {
    return step(End{ticket, how, work, 0});
  }

  // Tickets that the last step granted, in order.
  std::vector<TicketNumber> granted() const {
    std::vector<TicketNumber> out;
    for (const Action& action : last)
      if (const auto* grant = std::get_if<Grant>(&action)) out.push_back(grant->ticket);
    return out;
  }

  std::vector<Grant> grants() const {
    std::vector<Grant> out;
    for (const Action& action : last)
      if (const auto* grant = std::get_if<Grant>(&action)) out.push_back(*grant);
    return out;
  }

  MemberState of(const std::string& member) const { return scheduler.member(member).value_or(MemberState{}); }
  bool waits(TicketNumber ticket) const { return scheduler.explain(ticket).state == Explanation::State::waiting; }
  bool runs(TicketNumber ticket) const { return scheduler.explain(ticket).state == Explanation::State::running; }

  Scheduler scheduler;
  Instant now{std::chrono::hours(1)};
  TicketNumber tickets = 0;
  std::vector<Action> last;
};

}  // namespace faelled::commons
