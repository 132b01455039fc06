// The scheduler's inside: its records and the steps they go through. lines.cpp keeps the indices, grants.cpp chooses,
// events.cpp takes what happens, credit.cpp settles, explain.cpp answers questions.
#pragma once

#include "commons/scheduler.hpp"
#include "commons/state.hpp"

namespace faelled::commons {

class Scheduler::Body {
 public:
  explicit Body(const Settings& settings) : settings_(settings) {}

  void begin(Instant now);
  void on(const Agree& event);
  void on(const Restore& event);
  void on(const Capacity& event);
  void on(const Leave& event);
  void on(const EngineIs& event);
  void on(const EngineGone& event);
  void on(const Arrive& event);
  void on(const Room& event);
  void on(const Declined& event);
  void on(const Progress& event);
  void on(const End& event);
  void on(const Tick& event);

  Explanation explain(TicketNumber number) const;
  MemberState state_of(const Member& member) const;
  std::vector<TicketNumber> order(const Line& line, std::size_t limit) const;

  // Lines (lines.cpp)
  Member& member(std::string_view id);
  static Caller& caller(Member& member, std::string_view id);
  void erase(Member& member);  // that neither waits nor runs
  Line& line(std::string_view model);
  void wait(Ticket& ticket, bool comes_back);
  void unwait(Ticket& ticket);
  void list(MemberLine& waits);
  void index(MemberLine& waits, bool claims);
  void unindex(MemberLine& waits);
  void recount(MemberLine& waits);  // after its count has changed
  void reload(Member& member);      // after its load has become less
  static std::optional<Count> least_counted(const Line& line);
  void unlist(MemberLine& waits);
  void relist(Member& member);  // after its counts have changed
  void rekey(CallerLine& waits);
  void activity(Member& member, int waiting, int running);  // counts change by so much
  void charge(Ticket& ticket, Work by);
  void deliver(Ticket& ticket, std::uint32_t prompt_tokens, std::uint32_t output_tokens);
  void lift(Ticket& ticket);

  // Grants (grants.cpp)
  bool below_floor(const Member& member) const;
  bool below_entitlement(const Member& member) const;
  bool below_entitlement_without(const Ticket& running) const;
  bool floor_is_all(const Member& member) const;  // that it claims: below it, and no agreement gives it more
  int borrower_rank(const Member& member) const;
  bool may_run(const Member& member, const Line& line) const;
  void sort_claims(Line& line);
  MemberLine* least_loaded(Line& line, Weighed from);
  static bool line_is_empty(const Line& line) { return line.claims.empty() && line.by_load.empty(); }
  std::pair<MemberLine*, Why> next(Line& line);
  Engine* engine_with_room(const Line& line) const;
  void dispatch(Line& line);
  bool grant_at_once(Ticket& ticket);
  void grant(Ticket& ticket, Engine& engine, Why why);
  void release(Ticket& ticket);  // of its engine, without dispatch
  void revoke_for_claims(Line& line);
  static std::vector<Line*> elsewhere(const Member& member, const Line& line);
  std::uint32_t expected_output(const Ticket& ticket, std::uint32_t so_far) const;
  std::uint32_t charged_output(const Ticket& ticket, std::uint32_t so_far) const;
  void forget(Ticket& ticket);
  void withdraw(Ticket& ticket);
  void make_room(Line& line, const Member& asking);
  static Ticket& last_of(const MemberLine& waits);

  // Credit (credit.cpp)
  void settle();
  Weighed credit_rank(const Member& member) const;
  Weighed credit_key(const MemberLine& waits) const;
  void rank_all();
  Work credit_limit(const Member& member, Duration of) const;

  Settings settings_;
  Instant now_{};
  bool begun_ = false;
  Decay decay_;
  std::map<std::string, Member, std::less<>> members_;
  std::map<std::string, Line, std::less<>> lines_;
  using Engines = std::multimap<std::string, Engine, std::less<>>;
  Engines engines_;   // one of a name
  Engines departed_;  // gone, with tickets that have not ended
  std::unordered_map<TicketNumber, Ticket> tickets_;
  std::set<std::pair<Instant, TicketNumber>> deadlines_;
  std::vector<Action> actions_;
  std::uint64_t order_ = 0;
  std::uint32_t numbers_ = 0;
  std::size_t running_ = 0;
  // Of the members that wait or run: what a floor is a share of.
  Weighed active_load_ = 0;
  std::uint64_t active_share_ = 0;
  std::uint64_t agreed_share_ = 0;
  Instant settled_{};
  Weighed entitled_load_ = 0;  // what all agreements together give over the decay's minute, at the weight of now
  Work capacity_per_s_ = 0;    // the most that was delivered between two settlements, forgotten slowly
};

}  // namespace faelled::commons
