// RefereeBooks: what everybody asked for, had and was charged, kept a second time from the same events by plain sums
// and loops, so that the Referee can judge the scheduler without its indices. Only what a definition is shared: the
// decay's weights. One owner (a Referee), one thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "commons/decay.hpp"
#include "commons/scheduler.hpp"

namespace faelled::commons {

class RefereeBooks {
 public:
  // Work per share, as the scheduler counts it: in 2^-20.
  using Count = __int128;

  struct Model;
  struct Member;

  struct Answers {
    std::deque<std::uint32_t> last;  // at most 60
    void add(std::uint32_t tokens);
    std::uint32_t expected(std::uint32_t so_far) const;  // the lower middle one of those that were longer
  };

  struct Ticket;

  // A member on one model.
  struct Standing {
    Count count = 0;
    std::uint32_t people = 0, batch = 0;  // tickets that wait
    std::uint64_t epoch = 0;              // grows when the member becomes backlogged
    std::vector<Ticket*> running;
    // Since it is backlogged:
    std::size_t at_once = 0;  // tickets that ran, at most
    Work largest = 0;         // that one of them was charged

    bool waits() const { return people + batch > 0; }
  };

  struct Member {
    std::string id;
    std::uint32_t number = 0;
    std::uint64_t share = 1;
    std::uint32_t places_max = 0;
    bool agreed = false, left = false;
    Weighed load = 0;
    Work delivered = 0, outstanding = 0, settled = 0, credit = 0, lent = 0, borrowed = 0;
    std::uint32_t waiting = 0, running = 0;
    std::uint64_t places = 0;
    Answers answers;
    std::map<std::string, Answers> callers;

    bool active() const { return waiting + running > 0; }
  };

  struct Engine {
    std::string id;
    Model* model = nullptr;
    std::uint32_t places = 0, room = 0, running = 0;
    bool paced = false, held = false, gone = false;

    bool takes() const { return !gone && !held && running < places && (!paced || room > 0); }
  };

  struct Ticket {
    TicketNumber number = 0;
    Member* member = nullptr;
    Answers* caller = nullptr;
    Model* model = nullptr;
    Standing* standing = nullptr;
    Engine* engine = nullptr;  // null: waits
    std::uint64_t order = 0;   // of arrivals
    Lane lane = Lane::interactive;
    bool revocable = false, revoking = false, prompt_known = false;
    std::uint32_t prompt_tokens = 0, output_tokens_max = 0, output_tokens = 0, output_charged = 0;
    Instant deadline;
    Price price;
    std::uint32_t places = 0;
    Work charged = 0, delivered = 0;
    Weighed weighed = 0;
  };

  // Counts of two members when both had become backlogged, by their numbers (the smaller first).
  struct Pair {
    std::uint64_t epochs[2] = {0, 0};
    Count counts[2] = {0, 0};
  };

  struct Model {
    std::string id;
    Price price;
    std::uint32_t ticket_places = 1;
    bool known = false;
    std::size_t waiting = 0;
    Answers answers;
    Count virtual_time = 0;
    Work mean_work = 0;
    std::map<Member*, Standing> standings;
    std::map<std::pair<std::uint32_t, std::uint32_t>, Pair> pairs;
  };

  explicit RefereeBooks(const Settings& settings) : settings_(settings) {}

  void begin(Instant now);  // the clock, and what is due with it
  void take(const Event& event);
  void granted(Ticket& ticket, Engine& engine);
  void withdrawn(Ticket& ticket);

  Ticket* ticket(TicketNumber number);
  // The last of the caller with the most of a member's batch that waits for the model, if there is any, else of its
  // people; null: none waits.
  const Ticket* last_of(const Member& m, const Model& at) const;
  std::size_t waiting(const std::string& model) const;
  std::size_t waiting_max() const { return settings_.waiting_max; }
  Engine* engine(const std::string& id);  // that is there
  const Member* member(const std::string& id) const;
  const std::map<std::string, Member>& members() const { return members_; }
  const std::map<std::string, Model>& models() const { return models_; }
  const std::vector<std::unique_ptr<Engine>>& engines() const { return engines_; }

  // Entitlement: load / share ≤ capacity × 60.6 s / shares of all agreements.
  bool claims(const Member& m) const;
  // Floor: load / share ≤ load of all that wait or run / their shares.
  bool below_floor(const Member& m) const;
  bool has_credit(const Member& m) const;
  bool may_run(const Member& m, const Model& at) const;
  Work expected_charge(const Ticket& ticket) const;  // at a grant now
  Work recent(const Member& m) const { return static_cast<Work>(m.load / decay_.weight(now_)); }
  Work capacity_per_s() const { return capacity_per_s_; }
  Instant now() const { return now_; }
  // A ticket that waits and whose deadline has passed.
  const Ticket* overdue() const;
  // Both sides of the last settlement came to the same.
  bool settled_evenly() const { return settled_evenly_; }
  void restart(Model& at, const Member& a, const Member& b);  // a pair's counts, from now
  std::vector<std::pair<Model*, Member*>> charged;            // counts that changed since this was last emptied

 private:
  void on(const Agree& event);
  void on(const Restore& event);
  void on(const Capacity& event) { capacity_per_s_ = std::max(capacity_per_s_, event.per_s); }
  void on(const Leave& event);
  void on(const EngineIs& event);
  void on(const EngineGone& event);
  void on(const Arrive& event);
  void on(const Room& event);
  void on(const Declined& event);
  void on(const Progress& event);
  void on(const End& event);
  void on(const Tick& event);

  Member& named(const std::string& id);
  Model& model(const std::string& id);
  void charge(Ticket& ticket, Work by);
  void deliver(Ticket& ticket, std::uint32_t prompt_tokens, std::uint32_t output_tokens);
  void wait(Ticket& ticket);
  void wait_no_more(Ticket& ticket);
  void run_no_more(Ticket& ticket);
  void forget(Ticket& ticket);
  void erase(Member& m);
  void settle();
  Work entitled(const Member& m, Duration of) const;
  std::uint64_t agreed_shares() const { return agreed_shares_; }
  std::uint32_t output_to_charge(const Ticket& ticket, std::uint32_t so_far) const;
  void sum_up_active() const;

  Settings settings_;
  bool begun_ = false;
  bool settled_evenly_ = true;
  Instant now_{}, settled_{};
  Decay decay_;
  Weighed entitled_load_ = 0;
  Work capacity_per_s_ = 0;
  std::uint64_t agreed_shares_ = 0;
  std::uint32_t numbers_ = 0;
  std::uint64_t epochs_ = 0;
  std::uint64_t orders_ = 0;
  // Sums over the active members, made anew when something has changed.
  mutable bool summed_up_ = false;
  mutable Weighed active_load_ = 0;
  mutable std::uint64_t active_shares_ = 0;
  std::map<std::string, Member> members_;
  std::map<std::string, Model> models_;
  std::vector<std::unique_ptr<Engine>> engines_;
  std::unordered_map<TicketNumber, Ticket> tickets_;
  std::set<std::pair<Instant, TicketNumber>> deadlines_;
};

}  // namespace faelled::commons
