#include "gateway/exchange.hpp"

#include <fmt/format.h>

#include "engines/dialect.hpp"
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
std::string_view cause_of(rpc::RefusalCause cause) {
  switch (cause) {
    case rpc::RefusalCause::queue_full:
      return "the line is full";
    case rpc::RefusalCause::waited_too_long:
      return "waited too long";
    case rpc::RefusalCause::model_failed:
      return "the model cannot be served";
    case rpc::RefusalCause::model_fetching:
      return "the model is being fetched";
    case rpc::RefusalCause::model_removed:
      return "the model was removed";
    case rpc::RefusalCause::shutting_down:
      break;
  }
  return "shutting down";
}

}  // namespace

Exchange::Exchange(Context& context, const members::Caller& caller, openai::Request request,
                   const Catalogue::Asked& asked, std::string request_id, std::string traceparent, AnswerSink& sink)
    : context_(context),
      request_(std::move(request)),
      model_(*asked.model),
      traceparent_(std::move(traceparent)),
      sink_(sink),
      metrics_(context.metrics.model(model_.settings.id)),  // everybody's: no adapter is named there
      timer_(context.loop, [this] { tick(); }),
      rewriter_(request_.endpoint, request_.model, request_.form),
      wait_max_(caller.wait ? Duration(*caller.wait) : context.settings.wait_max),
      admitted_(context.loop.now()) {
  if (request_.stream && request_.endpoint == openai::Endpoint::chat) show_waiting_ = caller.show_waiting;
  ticket_.number = ++context.last_ticket;
  ticket_.request_id = request_id;
  ticket_.member = caller.member;
  ticket_.caller = caller.caller;
  ticket_.model = model_.settings.id;
  if (asked.adapter != nullptr) ticket_.adapter = asked.adapter->name;
  ticket_.lane = request_.form.tier == openai::ServiceTier::flex ? rpc::Lane::batch : asked.lane;
  ticket_.prompt_tokens_estimate = request_.prompt_tokens_estimate;
  ticket_.output_tokens_max = request_.output_tokens_max;
  ticket_.revocable = ticket_.lane == rpc::Lane::batch && !request_.stream;
  ticket_.admitted = admitted_;
  ticket_.deadline = admitted_ + wait_max_;
  row_.request_id = std::move(request_id);
  row_.member = caller.member;
  row_.caller = caller.caller;
  row_.key = caller.key;
  row_.user = caller.user;
  row_.model = asked.id();
  row_.started_at = context.clock.wall();
}

Exchange::~Exchange() = default;

void Exchange::granted(const rpc::Grant& grant) {
  grant_ = grant;
  event_.set();
}

void Exchange::refused(const rpc::Refusal& refusal) {
  refusal_ = refusal;
  event_.set();
}

// Only before the engine's last word: what is done is not done again.
void Exchange::revoked() {
  if (!in_line_ && !relayed_) interrupt(Interrupt::revoked);
}

void Exchange::waiting(const rpc::Waiting& waiting) {
  note_load(waiting.model_ready);
  // Somebody told that the model comes within ten minutes is not sent away after two.
  if (in_line_ && !waiting.model_ready) {
    if (!wake_told_ && waiting.ready_in > Duration{}) {
      wake_told_ = waiting.ready_in;
      wake_told_at_ = context_.loop.now();
    }
    const Instant promised =
        admitted_ + std::min<Duration>(waiting.promised, std::chrono::seconds(limits::agreement_wait_s_max));
    if (promised > ticket_.deadline) {
      ticket_.deadline = promised;
      arm();
    }
  }
  waiting_ = waiting;
  waiting_->promised = ticket_.deadline - admitted_;
  sink_.waiting(*waiting_);
  if (has_news()) arm();
}

bool Exchange::has_news() const {
  return show_waiting_ != store::ShowWaiting::off && in_line_ && waiting_ && !relayed_ &&
         waiting_words(show_waiting_, *waiting_) != told_;
}

// Not before a moment has passed: most waits are over by then, and a line that moves fast would flicker.
Instant Exchange::news_at() const {
  return (told_.empty() ? admitted_ : told_at_) + context_.settings.waiting_note_after;
}

void Exchange::tell_news() {
  if (!sink_.opened()) sink_.open({{}, {}, ticket_.lane});
  sink_.event(waiting_chunk(told_, row_.request_id, request_.model, unix_seconds(row_.started_at)));
  sink_.flush();
}

void Exchange::note_load(bool ready) {
  const Instant now = context_.loop.now();
  if (!ready && !loading_since_) loading_since_ = now;
  if (ready && loading_since_) {
    load_ += now - *loading_since_;
    loading_since_.reset();
  }
}

void Exchange::interrupt(Interrupt why) {
  if (interrupt_ != Interrupt::none) return;
  interrupt_ = why;
  if (upstream_) {
    upstream_->cancel();
  } else {
    event_.set();
  }
}

// An engine that does not stream says its first byte when the answer is whole: there only the whole time is bounded.
bool Exchange::bytes_are_due() const {
  return request_.stream || request_.count_only || !grant_ ||
         engines::always_streams(grant_->engine_kind, request_.endpoint);
}

void Exchange::tick() {
  const Instant now = context_.loop.now();
  const Settings& settings = context_.settings;
  if (now >= answer_due_) return interrupt(Interrupt::total);
  if (in_line_ && now >= ticket_.deadline) return interrupt(Interrupt::waited);
  if (!in_line_ && bytes_are_due() && now >= last_byte_ + settings.silence_max) return interrupt(Interrupt::silence);
  const bool quiet = now >= last_sent_ + settings.keep_alive_every;
  const bool news = has_news() && now >= news_at();
  if (quiet || news) last_sent_ = now;
  if (news) {
    told_ = waiting_words(show_waiting_, *waiting_);
    told_at_ = now;
  }
  arm();
  // Last of all: a client that turns out to be gone ends this exchange, and with it this object, on this stack.
  if (news) return tell_news();
  if (quiet && request_.stream) sink_.keep_alive(in_line_ && waiting_ ? &*waiting_ : nullptr);
}

void Exchange::arm() {
  const Settings& settings = context_.settings;
  const Instant phase_end = in_line_          ? ticket_.deadline
                            : bytes_are_due() ? last_byte_ + settings.silence_max
                                              : Instant::max();
  const Instant next = std::min({answer_due_, phase_end, last_sent_ + settings.keep_alive_every});
  timer_.arm_at(has_news() ? std::min(next, news_at()) : next);
}

net::Task<void> Exchange::run() {
  auto opened = context_.journal.opened(row_);
  if (!opened) {
    context_.log.error("the journal takes no request",
                       {{"request_id", row_.request_id}, {"cause", opened.error().message}});
    sink_.fail({Cause::store_unavailable, "Usage cannot be recorded at the moment, so no request is taken."});
    co_return;
  }
  opening_ = std::move(*opened);
  last_sent_ = admitted_;
  sink_.on_gone([this] { interrupt(Interrupt::gone); });
  if (sink_.gone()) interrupt_ = Interrupt::gone;
  Ending ending;
  Duration pause = limits::engine_attempt_pause;
  for (std::size_t tries = 1; tries <= limits::engine_attempts_max; ++tries) {
    do {
      ending = co_await attempt();
    } while (ending.revoked);
    if (!ending.retry || interrupt_ != Interrupt::none) break;
    context_.log.warn(
        "an engine gave no answer",
        {{"request_id", row_.request_id}, {"model", row_.model}, {"cause", ending.cause}, {"attempt", tries}});
    if (tries < limits::engine_attempts_max) co_await rest(pause);
    pause *= 5;
    ticket_.deadline = std::max(ticket_.deadline, context_.loop.now() + wait_max_);  // what an engine took was no wait
  }
  timer_.cancel();
  close(ending);
  finish(ending);
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
  while (!over && interrupt_ == Interrupt::none) co_await event_;
}

net::Task<Exchange::Ending> Exchange::attempt() {
  if (interrupt_ != Interrupt::none) co_return interrupted();
  if (context_.shutting_down) {
    if (std::exchange(returned_, false))
      context_.mesh.end({ticket_.number, rpc::Outcome::cancelled, 0, 0, 0, false, false});
    refusal_ = rpc::Refusal{ticket_.number, rpc::RefusalCause::shutting_down, limits::queue_full_retry_after, {}};
  }
  in_line_ = true;
  const Instant line_since = context_.loop.now();
  if (!refusal_ && !returned_) {
    grant_.reset();
    arm();
    context_.mesh.submit(ticket_, *this);
  }
  returned_ = false;
  const bool waits = !grant_;
  while (!grant_ && !refusal_ && interrupt_ == Interrupt::none) co_await event_;
  in_line_ = false;
  note_load(true);
  queued_ += context_.loop.now() - line_since;
  if (refusal_) {
    co_return Ending{rpc::Outcome::refused, std::string(cause_of(refusal_->cause)),
                     refusal_error(*refusal_, row_.model)};
  }
  Ending ending;
  if (interrupt_ == Interrupt::none) {
    usage_ = {};  // an attempt before this one may have seen some
    asked_ = false;
    granted_at_ = last_byte_ = context_.loop.now();
    answer_due_ = std::min(answer_due_, granted_at_ + context_.settings.total_max);
    if (wake_told_) metrics_.woke(*std::exchange(wake_told_, std::nullopt), granted_at_ - wake_told_at_);
    arm();
    if (waits && !context_.directory.stands(row_.key, row_.user, context_.clock.wall())) {
      ending = {rpc::Outcome::refused, "its key or user was stopped while it waited",
                ApiError{Cause::invalid_api_key, "This key or sign-in was stopped while the request waited."}};
    } else {
      ending = co_await talk();
    }
    upstream_.reset();
    engine_ += context_.loop.now() - granted_at_;
  } else {
    ending = interrupted();
  }
  // A client that hung up meanwhile was not heard: one interruption hides the next.
  if (interrupt_ == Interrupt::revoked && sink_.gone()) {
    interrupt_ = Interrupt::gone;
    ending = interrupted();
  }
  if (interrupt_ == Interrupt::revoked && ending.outcome != rpc::Outcome::done) {
    // Begun again as if it had just come; what it has waited so far stays counted. Whether the engine had begun the
    // prompt is not known, so the place is nobody's.
    interrupt_ = Interrupt::none;
    usage_ = {};
    grant_.reset();
    returned_ = ending.revoked = true;
    ticket_.deadline = context_.loop.now() + wait_max_;
    arm();
    rpc::End back;
    back.ticket = ticket_.number;
    back.outcome = rpc::Outcome::cancelled;
    back.returned = true;
    context_.mesh.end(back);
    co_return ending;
  }
  // Nothing was seen of it, and the engine has worked: on the prompt at least.
  const bool assumed =
      asked_ && !request_.count_only && usage_.prompt_tokens == 0 && !ending.engine_fault &&
      (interrupt_ == Interrupt::gone || interrupt_ == Interrupt::withdrawn || interrupt_ == Interrupt::total);
  if (assumed) usage_.prompt_tokens = request_.prompt_tokens_estimate;
  context_.mesh.end({ticket_.number, ending.outcome, usage_.prompt_tokens, usage_.cached_tokens, usage_.output_tokens,
                     ending.engine_fault, false, assumed});
  co_return ending;
}

Exchange::Ending Exchange::interrupted() const {
  const auto ended = [](rpc::Outcome outcome, const char* cause, std::optional<ApiError> error = std::nullopt) {
    Ending ending;
    ending.outcome = outcome;
    ending.cause = cause;
    ending.error = std::move(error);
    return ending;
  };
  switch (interrupt_) {
    case Interrupt::gone:
      return ended(rpc::Outcome::cancelled, "the client hung up");
    case Interrupt::withdrawn:
      return ended(rpc::Outcome::cancelled, "another choice of the request failed");
    case Interrupt::too_slow:
      return ended(rpc::Outcome::cancelled, "the client read too slowly");
    case Interrupt::revoked:
      return ended(rpc::Outcome::cancelled, "its place was needed");
    case Interrupt::waited:
      return ended(rpc::Outcome::refused, "waited too long",
                   waited_too_long(context_.mesh.ticket(ticket_.number), row_.model));
    case Interrupt::total:
      return ended(rpc::Outcome::failed, "took too long",
                   ApiError{Cause::engine_timeout, fmt::format("The answer was not finished within {} s.",
                                                               to_millis(context_.settings.total_max) / 1000)});
    case Interrupt::silence: {
      Ending ending =
          ended(rpc::Outcome::failed, "the engine fell silent",
                ApiError{Cause::engine_timeout, fmt::format("The model gave no sign of life for {} s.",
                                                            to_millis(context_.settings.silence_max) / 1000)});
      ending.engine_fault = true;
      return ending;
    }
    case Interrupt::none:
      break;
  }
  return ended(rpc::Outcome::failed, "interrupted", ApiError{Cause::internal, "The request was interrupted."});
}

Exchange::Ending Exchange::broke_off(const Error& error) const {
  if (interrupt_ != Interrupt::none) return interrupted();
  Ending ending;
  ending.cause = error.message;
  ending.engine_fault = true;
  ending.error = error.code == Errc::timeout ? ApiError{Cause::engine_timeout, "The model did not answer in time."}
                 : sink_.opened() ? ApiError{Cause::engine_failed, "The model broke off in the middle of its answer."}
                                  : ApiError{Cause::engine_failed,
                                             "The model could not be reached, or broke off before it answered."};
  ending.retry = !relayed_ && error.code == Errc::unavailable;
  return ending;
}

void Exchange::close(const Ending& ending) {
  row_.input_tokens = usage_.prompt_tokens;
  row_.cached_tokens = usage_.cached_tokens;
  row_.output_tokens = usage_.output_tokens;
  row_.load_us = to_micros(load_);
  row_.queue_us = std::max<std::int64_t>(0, to_micros(queued_ - load_));
  row_.engine_us = to_micros(engine_);
  const Duration total = context_.loop.now() - admitted_;
  row_.total_us = to_micros(total);
  row_.outcome = ledger_outcome(ending.outcome);
  row_.cause = ending.cause;
  context_.journal.closed(std::move(opening_), row_);
  metrics_.ended(ledger::name_of(row_.outcome));
  // Who was refused at once or left the line tells nothing of how long a place takes.
  if (granted_at_ != Instant{} || interrupt_ == Interrupt::waited) metrics_.queued(queued_);
  metrics_.total(total);
  metrics_.tokens(row_.input_tokens, row_.cached_tokens, row_.output_tokens);
  if (ending.outcome == rpc::Outcome::failed)
    context_.log.warn(
        "a request failed",
        {{"request_id", row_.request_id},
         {"model", row_.model},
         {"member", row_.member},
         {"cause", row_.cause},
         {"total_us", row_.total_us},
         {"trace", traceparent_.size() >= 35 ? std::string_view(traceparent_).substr(3, 32) : std::string_view()}});
}

void Exchange::finish(const Ending& ending) {
  sink_.on_gone(nullptr);
  if (ending.outcome == rpc::Outcome::done) {
    if (!request_.stream) return sink_.whole(ending.whole, times());
    if (!sink_.opened()) sink_.open(times());
    return sink_.done();
  }
  if (!ending.error || sink_.gone()) return;
  if (sink_.opened()) return sink_.broken(*ending.error);
  sink_.fail(*ending.error);
}

}  // namespace faelled::gateway
