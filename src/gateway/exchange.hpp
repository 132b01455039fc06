// Exchange: one admitted request from its ticket to its one ending. Opens the journal, waits for a grant, talks to the
// engine, relays, closes the journal and only then lets the client see the end. Lives in the frame of whoever runs it;
// loop's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/limits.hpp"
#include "base/random.hpp"
#include "engines/gather.hpp"
#include "engines/member_salts.hpp"
#include "gateway/catalogue.hpp"
#include "gateway/maintenance.hpp"
#include "gateway/sink.hpp"
#include "http/client.hpp"
#include "json/document.hpp"
#include "ledger/journal.hpp"
#include "members/directory.hpp"
#include "net/event.hpp"
#include "net/loop.hpp"
#include "net/task.hpp"
#include "net/timer.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "openai/request.hpp"
#include "openai/stream_rewriter.hpp"
#include "rpc/ports.hpp"

namespace faelled::gateway {

struct Settings {
  Duration wait_max = limits::ticket_wait_max;
  Duration total_max = limits::ticket_total_max;  // from the first place on an engine to the last byte
  Duration silence_max = limits::engine_silence_max;
  Duration keep_alive_every = limits::keep_alive_every;
  Duration waiting_note_after = limits::waiting_note_after;
};

// What every exchange uses; main() owns it all and it outlives them.
struct Context {
  const members::Directory& directory;
  net::Loop& loop;
  const Clock& clock;
  Random& random;
  http::Client& client;
  rpc::MeshPort& mesh;
  ledger::Journal& journal;
  const Catalogue& catalogue;
  observe::Metrics& metrics;
  observe::Log& log;
  Settings settings;
  json::Document document;  // scratch; holds nothing across a suspension
  std::uint64_t last_ticket = 0;
  bool shutting_down = false;
  Maintenance maintenance = {};
  engines::MemberSalts salts = {};
};

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
  enum class Interrupt : std::uint8_t { none, gone, withdrawn, waited, total, silence, too_slow, revoked };
  struct Ending {
    rpc::Outcome outcome = rpc::Outcome::failed;
    std::string cause;
    std::optional<openai::ApiError> error;
    bool engine_fault = false;
    bool retry = false;    // nothing of this attempt reached anybody
    bool revoked = false;  // the same ticket waits again
    std::string whole;     // the answer, where it is not streamed
  };

  void granted(const rpc::Grant& grant) override;
  void waiting(const rpc::Waiting& waiting) override;
  void refused(const rpc::Refusal& refusal) override;
  void revoked() override;

  void interrupt(Interrupt why);
  bool bytes_are_due() const;  // of an engine that works
  void tick();
  void arm();

  net::Task<Ending> attempt();
  net::Task<void> rest(Duration pause);
  net::Task<Ending> talk();
  Ending without_adapter() const;
  net::Task<Ending> relay_stream();
  net::Task<Ending> gather_stream();
  net::Task<std::optional<Ending>> gather_into(engines::Gather& gather);
  Ending said_error(openai::ApiError error) const;
  Ending relay_whole(std::string_view text);
  Ending relay_count(std::string_view text) const;
  net::Task<void> settle_upstream();
  std::string upstream_headers() const;
  void book_stream();
  void book_deltas(std::uint32_t deltas);
  void tell_progress(std::uint32_t output_tokens);
  void take_step(const openai::StreamRewriter::Step& step);
  Ending interrupted() const;
  Ending broke_off(const Error& error) const;
  void note_load(bool ready);
  bool has_news() const;  // about the place in line, for a client that wants it told as reasoning
  Instant news_at() const;
  void tell_news();
  void close(const Ending& ending);
  void finish(const Ending& ending);
  AnswerTimes times() const { return {queued_, context_.loop.now() - admitted_, ticket_.lane}; }

  Context& context_;
  openai::Request request_;
  const CatalogueModel& model_;
  std::string traceparent_;
  AnswerSink& sink_;
  observe::Metrics::Model metrics_;
  rpc::Ticket ticket_;
  ledger::UsageRow row_;
  ledger::Opening opening_;
  net::Event event_;
  net::Timer timer_;
  std::optional<http::Client::Exchange> upstream_;
  std::optional<rpc::Grant> grant_;
  std::optional<rpc::Refusal> refusal_;
  std::optional<rpc::Waiting> waiting_;
  openai::StreamRewriter rewriter_;
  openai::Usage usage_;
  Interrupt interrupt_ = Interrupt::none;
  store::ShowWaiting show_waiting_ = store::ShowWaiting::off;
  std::string told_;  // of the place in line, last
  Instant told_at_;
  bool in_line_ = false;
  bool returned_ = false;  // the ticket was taken back and waits where it is
  bool relayed_ = false;   // the client has seen something that an engine said
  bool asked_ = false;     // the engine of this attempt has the request
  Duration wait_max_;
  Instant admitted_;
  Instant granted_at_{};
  Instant answer_due_ = Instant::max();  // never while it waits for its first place: that has a bound of its own
  Instant last_sent_;                    // to the client
  Instant last_byte_;                    // from the engine
  Instant last_token_;
  Instant last_progress_;
  std::optional<Instant> loading_since_;
  std::optional<Duration> wake_told_;  // how long the wait for the absent model was first said to last
  Instant wake_told_at_{};
  Duration queued_{};
  Duration load_{};
  Duration engine_{};
};

}  // namespace faelled::gateway
