// Exchange: one admitted request from its ticket to its one ending. Opens the journal, waits for a grant (Wait), has
// the engine called (EngineCall), tries again what may be tried again, closes the journal and only then lets the client
// see the end. Lives in the frame of whoever runs it; loop's thread.
#pragma once

#include <optional>
#include <string>

#include "gateway/context.hpp"
#include "gateway/ending.hpp"
#include "gateway/engine_call.hpp"
#include "gateway/inquiry.hpp"
#include "gateway/wait.hpp"
#include "net/event.hpp"
#include "net/task.hpp"
#include "net/timer.hpp"

namespace faelled::gateway {

class Exchange final : private rpc::TicketListener {
 public:
  // `request` has been resolved: `asked` is in the catalogue, by that name or an alias, which the answer keeps. Its
  // model outlives this. `traceparent`: as the client sent it, or empty.
  Exchange(Context& context, const members::Caller& caller, openai::Request request, const Catalogue::Asked& asked,
           std::string request_id, std::string traceparent, AnswerSink& sink);
  ~Exchange() override;

  net::Task<void> run();
  // Ends it as cancelled: nobody wants its answer any more. Nothing where it has ended.
  void withdraw() { interrupt(Interrupt::withdrawn); }
  const openai::Usage& usage() const { return usage_; }

 private:
  void granted(const rpc::Grant& grant) override;
  void waiting(const rpc::Waiting& waiting) override;
  void refused(const rpc::Refusal& refusal) override;
  void revoked() override;

  void interrupt(Interrupt why);
  Ending interrupted() const;
  Instant phase_end() const;  // of the wait in line, or of bearing with a silent engine
  Instant last_sent() const;
  bool stands(WallTime at) const;  // its key, by its end at that time, and its user
  void tick();
  void arm();
  void tell_news();

  // Nothing: its place was taken back, and the same ticket waits again where it is (`returned`).
  net::Task<std::optional<Ending>> attempt(bool returned);
  net::Task<void> rest(Duration pause);
  void enter_line(bool returned);
  void take_place();
  void give_place_back();
  std::uint32_t assumed_prompt() const;
  void end_ticket(const Ending& ending, bool called);  // `called`: an engine was, in this attempt
  void close(const Ending& ending);
  void finish(const Ending& ending);

  Context& context_;
  Inquiry inquiry_;
  Wait wait_;
  ledger::UsageRow row_;
  ledger::Opening opening_;
  net::Event event_;
  net::Timer timer_;
  std::optional<EngineCall> call_;  // the last one; nothing: it never had a place
  std::optional<Interrupt> interrupt_;
  openai::Usage usage_;                  // of the last call
  Instant answer_due_ = Instant::max();  // never while it waits for its first place: that has a bound of its own
  Instant standing_due_;                 // when it is looked at again whether they stand
  Instant kept_alive_;                   // when the client was last sent something that is no answer
  Duration engine_{};
};

}  // namespace faelled::gateway
