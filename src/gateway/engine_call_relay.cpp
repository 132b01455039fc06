// The engine's answer: relayed as it comes, or put together.
#include <fmt/format.h>

#include "gateway/engine_call.hpp"
#include "net/timer.hpp"
#include "openai/answer.hpp"
#include "openai/sse_parser.hpp"

namespace faelled::gateway {

using openai::ApiError;
using openai::Cause;
using openai::StreamRewriter;

// An engine that streams always, for a client who did not ask for it: see engines/gather.hpp.
net::Task<Ending> EngineCall::gather_stream() {
  engines::Gather gather(request_.endpoint);
  auto broken = co_await gather_into(gather);
  book_deltas(gather.deltas());
  if (broken) co_return std::move(*broken);
  if (!gather.complete()) co_return broke_off({Errc::unavailable, "the engine ended its answer too early", ""});
  co_await settle();
  co_return relay_whole(gather.body());
}

// Nothing: the engine has said its last word, or as good as.
net::Task<std::optional<Ending>> EngineCall::gather_into(engines::Gather& gather) {
  openai::SseParser parser;
  std::string bytes;
  while (true) {
    bytes.clear();
    auto more = co_await upstream_->read(bytes);
    if (!more || !*more) {
      if (cut_off_) co_return ending_of(*cut_off_, context_.settings);
      if (!more && !gather.complete()) co_return broke_off(more.error());
      co_return std::nullopt;
    }
    last_byte_ = context_.loop.now();
    parser.push(bytes);
    while (true) {
      auto event = parser.next();
      if (!event) co_return broke_off(event.error());
      if (!*event) break;
      if ((**event).name == "error") co_return said_error(openai::engine_error(0, (**event).data));
      auto goes_on = gather.add((**event).data, context_.document);
      if (!goes_on && !gather.error_event().empty())
        co_return said_error(openai::engine_error(0, gather.error_event()));
      if (!goes_on) co_return broke_off(goes_on.error());
      if (!*goes_on) co_return std::nullopt;
    }
    tell_progress(gather.deltas());
  }
}

Ending EngineCall::relay_whole(std::string_view text) {
  auto answer = openai::rewrite_answer(text, request_, request_.model, context_.document);
  if (!answer) {
    const bool client_fault = answer.error().status() < 500;
    Ending ending{client_fault ? rpc::Outcome::refused : rpc::Outcome::failed,
                  client_fault ? "beyond the model" : "the engine's answer is not what the endpoint promises",
                  answer.error()};
    ending.engine_fault = !client_fault;
    return ending;
  }
  // What an engine does not say is charged as it was seen, or estimated.
  if (answer->usage.known)
    usage_ = answer->usage;
  else if (usage_.prompt_tokens == 0)
    usage_.prompt_tokens = request_.prompt_tokens_estimate;
  Ending ending;
  ending.outcome = rpc::Outcome::done;
  ending.whole = std::move(answer->body);
  return ending;
}

// No token was read or made: the row says none.
Ending EngineCall::relay_count(std::string_view text) const {
  const auto root = context_.document.parse(text);
  const auto member = root ? root->find("input_tokens") : std::nullopt;
  const auto count = member ? member->integer() : std::nullopt;
  if (!count || *count < 0) {
    Ending ending{rpc::Outcome::failed, "the engine's answer is not what the endpoint promises",
                  ApiError{Cause::engine_failed, "The engine did not count the tokens."}};
    ending.engine_fault = true;
    return ending;
  }
  Ending ending;
  ending.outcome = rpc::Outcome::done;
  ending.whole = fmt::format(R"({{"input_tokens":{}}})", *count);
  return ending;
}

net::Task<Ending> EngineCall::relay_stream() {
  openai::SseParser parser;
  StreamRewriter rewriter(request_.endpoint, request_.model, request_.form);
  std::string bytes;
  bool ended = false;
  bool too_slow = false;
  while (!ended && !too_slow) {
    bytes.clear();
    auto more = co_await upstream_->read(bytes);
    if (!more || !*more) {
      if (more || cut_off_ || rewriter.failed()) break;
      if (!rewriter.complete()) {
        book_stream(rewriter);
        co_return broke_off(more.error());
      }
      break;  // the answer was whole; only the farewell is missing
    }
    last_byte_ = context_.loop.now();
    parser.push(bytes);
    while (!ended) {
      auto event = parser.next();
      if (!event) {
        book_stream(rewriter);
        co_return broke_off(event.error());
      }
      if (!*event) break;
      const auto step = rewriter.step(**event, context_.document);
      take_step(step);
      ended = step.verdict == StreamRewriter::Verdict::done || step.verdict == StreamRewriter::Verdict::failed;
    }
    if (!ended) inquiry_.sink.flush();
    too_slow = inquiry_.sink.congested() && !cut_off_;
    tell_progress(rewriter.output_tokens());
  }
  book_stream(rewriter);
  if (too_slow) co_return Ending{rpc::Outcome::cancelled, "the client read too slowly"};
  if (rewriter.complete() && cut_off_ != Interrupt::gone) {
    co_await settle();
    Ending ending;
    ending.outcome = rpc::Outcome::done;
    co_return ending;
  }
  co_return said_error(rewriter.failed()
                           ? rewriter.error()
                           : ApiError{Cause::engine_failed, "The model broke off in the middle of its answer."});
}

void EngineCall::take_step(const StreamRewriter::Step& step) {
  if (step.token) {
    if (step.first_token) {
      inquiry_.metrics.first_token(last_byte_ - wait_.ticket().admitted);
    } else {
      inquiry_.metrics.between_tokens(last_byte_ - last_token_);
    }
    last_token_ = last_byte_;
  }
  const bool last_words = step.verdict == StreamRewriter::Verdict::done && !step.data.empty();
  if (step.verdict == StreamRewriter::Verdict::forward || last_words) {
    AnswerSink& sink = inquiry_.sink;
    if (!sink.opened()) sink.open(wait_.times(context_.loop.now()));
    sink.event(step.data);
    relayed_at_ = last_byte_;
  }
}

void EngineCall::book_stream(const StreamRewriter& rewriter) {
  book_deltas(rewriter.deltas());
  if (rewriter.usage().known) usage_ = rewriter.usage();
}

void EngineCall::book_deltas(std::uint32_t deltas) {
  usage_ = {};
  usage_.output_tokens = deltas;
  if (deltas > 0) usage_.prompt_tokens = request_.prompt_tokens_estimate;
}

// What runs is paid for as it comes, not at its end. The prompt's estimate was charged when it was begun.
void EngineCall::tell_progress(std::uint32_t output_tokens) {
  if (last_byte_ - progress_told_ <= 1s) return;
  progress_told_ = last_byte_;
  context_.mesh.progress({wait_.ticket().number, output_tokens});
}

// The answer is whole. Its connection goes back to the pool now, or when the engine has said its last byte.
net::Task<void> EngineCall::settle() {
  if (upstream_->settle()) co_return;
  context_.loop.spawn([](net::Loop& loop, http::Client::Exchange rest) -> net::Task<void> {
    net::Timer deadline(loop, [&rest] { rest.cancel(); });
    deadline.arm(1s);
    std::string ignored;
    while (true) {
      auto more = co_await rest.read(ignored);
      if (!more || !*more || ignored.size() > limits::upstream_head_bytes_max) break;
    }
  }(context_.loop, std::move(*upstream_)));
}

}  // namespace faelled::gateway
