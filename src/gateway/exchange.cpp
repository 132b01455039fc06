#include "gateway/exchange.hpp"

#include "gateway/refusal_words.hpp"
#include "gateway/waiting_words.hpp"

namespace faelled::gateway {
namespace {

using openai::ApiError;
using openai::Cause;

ledger::Outcome ledger_outcome(rpc::Outcome outcome) {
  switch (outcome) {
    case rpc::Outcome::done:
      return ledger::Outcome::done;
    case rpc::Outcome::refused:
      return ledger::Outcome::refused;
    case rpc::Outcome::cancelled:
      return ledger::Outcome::cancelled;
    case rpc::Outcome::failed:
      break;
  }
  return ledger::Outcome::failed;
}

Duration wait_max_of(const Context& context, const members::Caller& caller) {
  return caller.wait ? Duration(*caller.wait) : context.settings.wait_max;
}

// Its deadline is the wait's.
rpc::Ticket ticket_of(Context& context, const members::Caller& caller, const openai::Request& request,
                      const Catalogue::Asked& asked, const std::string& request_id) {
  rpc::Ticket ticket;
  ticket.number = ++context.last_ticket;
  ticket.request_id = request_id;
  ticket.member = caller.member;
  ticket.caller = caller.caller;
  ticket.model = asked.model->settings.id;
  if (asked.adapter != nullptr) ticket.adapter = asked.adapter->name;
  ticket.lane = request.form.tier == openai::ServiceTier::flex ? rpc::Lane::batch : asked.lane;
  ticket.prompt_tokens_estimate = request.prompt_tokens_estimate;
  ticket.output_tokens_max = request.output_tokens_max;
  ticket.revocable = ticket.lane == rpc::Lane::batch && !request.stream;
  ticket.admitted = context.loop.now();
  return ticket;
}

store::ShowWaiting shown_to(const members::Caller& caller, const openai::Request& request) {
  return request.stream && request.endpoint == openai::Endpoint::chat ? caller.show_waiting : store::ShowWaiting::off;
}

}  // namespace

Exchange::Exchange(Context& context, const members::Caller& caller, openai::Request request,
                   const Catalogue::Asked& asked, std::string request_id, std::string traceparent, AnswerSink& sink)
    : context_(context),
      inquiry_{std::move(request),
               *asked.model,
               asked.id(),
               std::move(traceparent),
               context.metrics.model(asked.model->settings.id),  // everybody's: no adapter is named there
               sink},
      wait_(ticket_of(context, caller, inquiry_.request, asked, request_id), wait_max_of(context, caller),
            shown_to(caller, inquiry_.request), context.settings.waiting_note_after),
      timer_(context.loop, [this] { tick(); }),
      standing_due_(wait_.ticket().admitted + context.settings.standing_every),
      kept_alive_(wait_.ticket().admitted) {
  row_.request_id = std::move(request_id);
  row_.member = caller.member;
  row_.caller = caller.caller;
  row_.key = caller.key;
  row_.user = caller.user;
  row_.model = inquiry_.asked;
  row_.started_at = context.clock.wall();
}

Exchange::~Exchange() = default;

void Exchange::granted(const rpc::Grant& grant) {
  wait_.granted(grant);
  event_.set();
}

void Exchange::refused(const rpc::Refusal& refusal) {
  wait_.refused(refusal);
  event_.set();
}

// Only before the engine's last word: what is done is not done again.
void Exchange::revoked() {
  if (!wait_.in_line() && call_ && !call_->relayed_at()) interrupt(Interrupt::revoked);
}

void Exchange::waiting(const rpc::Waiting& waiting) {
  const rpc::Waiting& told = wait_.hear(waiting, context_.loop.now());
  if (wait_.in_line()) arm();
  inquiry_.sink.waiting(told);
}

// One interruption hides the next, but for a place that is asked back: that is no end. The last thing done: whoever is
// woken may end this exchange on this stack.
void Exchange::interrupt(Interrupt why) {
  if (interrupt_ && (*interrupt_ != Interrupt::revoked || why == Interrupt::revoked)) return;
  interrupt_ = why;
  if (call_ && call_->talking()) return call_->cut_off(why);
  event_.set();
}

Ending Exchange::interrupted() const {
  Ending ending = ending_of(*interrupt_, context_.settings);
  if (interrupt_ == Interrupt::waited)
    ending.error = waited_too_long(context_.mesh.ticket(wait_.ticket().number), inquiry_.asked);
  if (interrupt_ == Interrupt::stopped && !call_) ending.outcome = rpc::Outcome::refused;
  return ending;
}

bool Exchange::stands(WallTime at) const { return context_.directory.stands(row_.key, row_.user, at); }

// What is not in line has had a place: no timer runs before the line, nor after the end.
Instant Exchange::phase_end() const { return wait_.in_line() ? wait_.deadline() : call_->silent_at(); }

Instant Exchange::last_sent() const {
  return call_ && call_->relayed_at() ? std::max(kept_alive_, *call_->relayed_at()) : kept_alive_;
}

void Exchange::tick() {
  const Instant now = context_.loop.now();
  if (now >= answer_due_) return interrupt(Interrupt::total);
  if (now >= phase_end()) return interrupt(wait_.in_line() ? Interrupt::waited : Interrupt::silence);
  if (now >= standing_due_) {
    if (!stands(row_.started_at)) return interrupt(Interrupt::stopped);  // a key that runs out ends no answer
    standing_due_ = now + context_.settings.standing_every;
  }
  const bool quiet = now >= last_sent() + context_.settings.keep_alive_every;
  const bool news = now >= wait_.news_at();
  if (quiet || news) kept_alive_ = now;
  if (news) wait_.tell(now);
  arm();
  // Last of all: a client that turns out to be gone ends this exchange, and with it this object, on this stack.
  if (news) return tell_news();
  if (quiet && inquiry_.request.stream) inquiry_.sink.keep_alive(wait_.place());
}

void Exchange::arm() {
  timer_.arm_at(std::min(
      {answer_due_, phase_end(), standing_due_, last_sent() + context_.settings.keep_alive_every, wait_.news_at()}));
}

void Exchange::tell_news() {
  AnswerSink& sink = inquiry_.sink;
  if (!sink.opened()) sink.open({{}, {}, wait_.ticket().lane});
  sink.event(waiting_chunk(wait_.words(), row_.request_id, inquiry_.request.model, unix_seconds(row_.started_at)));
  sink.flush();
}

net::Task<void> Exchange::run() {
  AnswerSink& sink = inquiry_.sink;
  auto opened = context_.journal.opened(row_);
  if (!opened) {
    context_.log.error("the journal takes no request",
                       {{"request_id", row_.request_id}, {"cause", opened.error().message}});
    sink.fail({Cause::store_unavailable, "Usage cannot be recorded at the moment, so no request is taken."});
    co_return;
  }
  opening_ = std::move(*opened);
  sink.on_gone([this] { interrupt(Interrupt::gone); });
  if (sink.gone()) interrupt_ = Interrupt::gone;
  std::optional<Ending> ending;
  Duration pause = limits::engine_attempt_pause;
  for (std::size_t tries = 1; tries <= limits::engine_attempts_max; ++tries) {
    ending = co_await attempt(false);
    while (!ending) ending = co_await attempt(true);
    if (!ending->retry || interrupt_) break;
    context_.log.warn(
        "an engine gave no answer",
        {{"request_id", row_.request_id}, {"model", row_.model}, {"cause", ending->cause}, {"attempt", tries}});
    if (tries < limits::engine_attempts_max) co_await rest(pause);
    pause *= 5;
    wait_.extend(context_.loop.now());
  }
  timer_.cancel();
  close(*ending);
  finish(*ending);
}

// Time for the death of an engine to be noticed, so that the next attempt waits for a living one. Ends early with the
// client.
net::Task<void> Exchange::rest(Duration pause) {
  bool over = false;
  net::Timer timer(context_.loop, [&] {
    over = true;
    event_.set();
  });
  timer.arm(pause);
  while (!over && !interrupt_) co_await event_;
}

net::Task<std::optional<Ending>> Exchange::attempt(bool returned) {
  // It had a place again at once, which was asked back before anything came of it.
  if (returned && interrupt_ == Interrupt::revoked && !inquiry_.sink.gone()) {
    give_place_back();
    co_return std::nullopt;
  }
  if (interrupt_) {
    Ending ending = interrupted();
    if (returned) end_ticket(ending, false);
    co_return ending;
  }
  enter_line(returned);
  const bool waits = !wait_.answered();
  while (!wait_.answered() && !interrupt_) co_await event_;
  wait_.leave(context_.loop.now());
  if (const rpc::Refusal* refusal = wait_.refusal()) co_return ending_of(*refusal, inquiry_.asked);
  Ending ending;
  bool called = false;
  if (interrupt_) {
    ending = interrupted();
  } else {
    const Instant begun = context_.loop.now();
    take_place();
    if (waits && !stands(context_.clock.wall())) {
      ending = ending_of(Interrupt::stopped, context_.settings);
      ending.outcome = rpc::Outcome::refused;
    } else {
      ending = co_await call_->run();
    }
    call_->hang_up();
    called = true;
    usage_ = call_->usage();
    engine_ += context_.loop.now() - begun;
  }
  // A client that hung up meanwhile was not heard: one interruption hides the next.
  if (interrupt_ == Interrupt::revoked && inquiry_.sink.gone()) {
    interrupt_ = Interrupt::gone;
    ending = interrupted();
  }
  if (interrupt_ == Interrupt::revoked && ending.outcome != rpc::Outcome::done) {
    give_place_back();
    co_return std::nullopt;
  }
  end_ticket(ending, called);
  co_return ending;
}

void Exchange::enter_line(bool returned) {
  if (context_.shutting_down) {
    const std::uint64_t number = wait_.ticket().number;
    if (returned) context_.mesh.end({number, rpc::Outcome::cancelled, 0, 0, 0, false, false});
    wait_.refused({number, rpc::RefusalCause::shutting_down, limits::queue_full_retry_after, {}});
  }
  wait_.enter(context_.loop.now());
  if (wait_.answered()) return;
  arm();
  if (!returned) context_.mesh.submit(wait_.ticket(), *this);
}

void Exchange::take_place() {
  const Instant now = context_.loop.now();
  call_.emplace(context_, inquiry_, wait_, wait_.take_grant(), call_ ? call_->progress_told() : Instant{});
  answer_due_ = std::min(answer_due_, now + context_.settings.total_max);
  if (const auto wake = wait_.take_wake()) inquiry_.metrics.woke(wake->told, now - wake->at);
  arm();
}

// Begun again as if it had just come. Whether the engine had begun the prompt is not known, so the place is nobody's.
void Exchange::give_place_back() {
  interrupt_.reset();
  usage_ = {};
  wait_.begin_again(context_.loop.now());
  rpc::End back;
  back.ticket = wait_.ticket().number;
  back.outcome = rpc::Outcome::cancelled;
  back.returned = true;
  context_.mesh.end(back);
}

// No more than the engine can read: of more nothing is read, and nobody is charged for it.
std::uint32_t Exchange::assumed_prompt() const {
  const std::uint32_t estimate = inquiry_.request.prompt_tokens_estimate;
  if (inquiry_.request.endpoint != openai::Endpoint::chat && inquiry_.request.endpoint != openai::Endpoint::completions)
    return estimate;
  const auto model = context_.mesh.model(wait_.ticket().model);
  return model && model->context_tokens > 0 ? std::min(estimate, model->context_tokens) : estimate;
}

// What an attempt before this one used has been told.
void Exchange::end_ticket(const Ending& ending, bool called) {
  // Nothing was seen of it, and the engine has worked: on the prompt at least.
  const bool assumed = called && call_->asked() && !inquiry_.request.count_only && usage_.prompt_tokens == 0 &&
                       !ending.engine_fault &&
                       (interrupt_ == Interrupt::gone || interrupt_ == Interrupt::withdrawn ||
                        interrupt_ == Interrupt::stopped || interrupt_ == Interrupt::total);
  if (assumed) usage_.prompt_tokens = assumed_prompt();
  const openai::Usage used = called ? usage_ : openai::Usage();
  context_.mesh.end({wait_.ticket().number, ending.outcome, used.prompt_tokens, used.cached_tokens, used.output_tokens,
                     ending.engine_fault, false, assumed});
}

void Exchange::close(const Ending& ending) {
  row_.input_tokens = usage_.prompt_tokens;
  row_.cached_tokens = usage_.cached_tokens;
  row_.output_tokens = usage_.output_tokens;
  row_.load_us = to_micros(wait_.load());
  row_.queue_us = std::max<std::int64_t>(0, to_micros(wait_.queued() - wait_.load()));
  row_.engine_us = to_micros(engine_);
  const Duration total = context_.loop.now() - wait_.ticket().admitted;
  row_.total_us = to_micros(total);
  row_.outcome = ledger_outcome(ending.outcome);
  row_.cause = ending.cause;
  context_.journal.closed(std::move(opening_), row_);
  const observe::Metrics::Model& metrics = inquiry_.metrics;
  metrics.ended(ledger::name_of(row_.outcome));
  // Who was refused at once or left the line tells nothing of how long a place takes.
  if (call_ || interrupt_ == Interrupt::waited) metrics.queued(wait_.queued());
  // Nobody knows how long it would have taken, but that it is longer than was said.
  if (const auto wake = interrupt_ == Interrupt::waited ? wait_.take_wake() : std::nullopt)
    if (const Duration took = context_.loop.now() - wake->at; took > wake->told) metrics.woke(wake->told, took);
  metrics.total(total);
  metrics.tokens(row_.input_tokens, row_.cached_tokens, row_.output_tokens);
  if (ending.outcome == rpc::Outcome::failed) {
    const std::string_view trace = inquiry_.traceparent;
    context_.log.warn("a request failed", {{"request_id", row_.request_id},
                                           {"model", row_.model},
                                           {"member", row_.member},
                                           {"cause", row_.cause},
                                           {"total_us", row_.total_us},
                                           {"trace", trace.size() >= 35 ? trace.substr(3, 32) : std::string_view()}});
  }
}

void Exchange::finish(const Ending& ending) {
  AnswerSink& sink = inquiry_.sink;
  sink.on_gone(nullptr);
  const AnswerTimes times = wait_.times(context_.loop.now());
  if (ending.outcome == rpc::Outcome::done) {
    if (!inquiry_.request.stream) return sink.whole(ending.whole, times);
    if (!sink.opened()) sink.open(times);
    return sink.done();
  }
  if (!ending.error || sink.gone()) return;
  if (sink.opened()) return sink.broken(*ending.error);
  sink.fail(*ending.error);
}

}  // namespace faelled::gateway
