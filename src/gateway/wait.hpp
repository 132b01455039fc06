// Wait: a ticket's time in line for a place, over all attempts: how long it may last and what was promised, what the
// mesh answered, what of it is told as reasoning, and what the ledger will say it took. Owned by its exchange, whose
// timer looks at it. Pure: time is an argument.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/clock.hpp"
#include "gateway/sink.hpp"
#include "rpc/messages.hpp"
#include "store/rows.hpp"

namespace faelled::gateway {

class Wait {
 public:
  // `max`: how long it lasts where no more was promised. `show`: in which language the place in line is told, first
  // after `note_after`, and not again before that.
  Wait(rpc::Ticket ticket, Duration max, store::ShowWaiting show, Duration note_after);

  const rpc::Ticket& ticket() const { return ticket_; }
  Instant deadline() const { return ticket_.deadline; }

  void enter(Instant now) { since_ = now; }
  void leave(Instant now);
  bool in_line() const { return since_.has_value(); }
  // An engine was tried in vain: what that took was no wait.
  void extend(Instant now);
  // The place was taken back: as if it had just come. What it has waited so far stays counted.
  void begin_again(Instant now);

  // The mesh's answer: a refusal is its last; a grant is good for one attempt.
  void granted(const rpc::Grant& grant) { answer_ = grant; }
  void refused(const rpc::Refusal& refusal) { answer_ = refusal; }
  bool answered() const { return !std::holds_alternative<std::monostate>(answer_); }
  const rpc::Refusal* refusal() const { return std::get_if<rpc::Refusal>(&answer_); }
  rpc::Grant take_grant() { return std::get<rpc::Grant>(std::exchange(answer_, std::monostate())); }

  // What the mesh says meanwhile. The deadline may move, and there may be news. Returns it as the client is told, with
  // the bound of the whole wait.
  const rpc::Waiting& hear(const rpc::Waiting& waiting, Instant now);
  // As heard last; nullptr: it is not in line, or has heard nothing.
  const rpc::Waiting* place() const { return in_line() && heard_ ? &*heard_ : nullptr; }

  // When the place in line is to be told; Instant::max(): there is nothing new.
  Instant news_at() const;
  const std::string& words() const { return words_; }
  void tell(Instant now);  // the words, which are no news any more

  // How long the wait for an absent model was first said to last, and when.
  struct Wake {
    Duration told{};
    Instant at;
  };
  std::optional<Wake> take_wake() { return std::exchange(wake_, std::nullopt); }

  Duration queued() const { return queued_; }  // of ended waits, `load` included
  Duration load() const { return load_; }      // of that, while the model was not there
  AnswerTimes times(Instant now) const { return {queued_, now - ticket_.admitted, ticket_.lane}; }

 private:
  void count_load(bool ready, Instant now);

  rpc::Ticket ticket_;
  Duration max_;
  store::ShowWaiting show_;
  Duration note_after_;
  std::variant<std::monostate, rpc::Grant, rpc::Refusal> answer_;
  std::optional<rpc::Waiting> heard_;
  std::optional<Instant> since_;  // it stands in line
  std::optional<Instant> loading_since_;
  std::optional<Wake> wake_;
  std::string words_;  // of what was heard; empty: not to be shown
  std::string told_;   // of those, last
  Instant told_at_;
  Duration queued_{};
  Duration load_{};
};

}  // namespace faelled::gateway
