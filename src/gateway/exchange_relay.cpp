// The engine's side of an exchange: what it is sent, and how its answer is relayed or put together.
#include <fmt/format.h>

#include "engines/dialect.hpp"
#include "engines/gather.hpp"
#include "gateway/exchange.hpp"
#include "gateway/refusal_words.hpp"
#include "openai/answer.hpp"
#include "openai/sse_parser.hpp"

namespace faelled::gateway {
namespace {

using openai::ApiError;
using openai::Cause;

http::Address address_of(const rpc::Endpoint& endpoint) {
  return {endpoint.unix_path,
          endpoint.host.empty() ? "localhost" : endpoint.host,
          endpoint.port,
          endpoint.tls,
          {endpoint.ca_file, endpoint.certificate_file, endpoint.key_file}};
}
// traceparent of the call to the engine: the client's trace, a span of our own (W3C Trace Context, section 3.2).
std::string child_span(std::string_view parent, Random& random) {
  if (parent.size() < 55) return {};
  return fmt::format("{}{:016x}{}", parent.substr(0, 36), random.u64() | 1U, parent.substr(52, 3));
}
}  // namespace

std::string Exchange::upstream_headers() const {
  std::string headers = fmt::format("Content-Type: application/json\r\nAccept: {}\r\nx-request-id: {}\r\n",
                                    request_.stream ? "text/event-stream" : "application/json", row_.request_id);
  if (!grant_->endpoint.authorization.empty())
    headers += fmt::format("Authorization: {}\r\n", grant_->endpoint.authorization);
  if (const std::string span = child_span(traceparent_, context_.random); !span.empty())
    headers += fmt::format("traceparent: {}\r\n", span);
  return headers;
}

// The engine is there, and has the ticket's adapter not: it was taken out while the ticket waited, or cannot be used.
Exchange::Ending Exchange::without_adapter() const {
  Ending ending;
  const Catalogue::Asked now = context_.catalogue.asked(row_.model);
  if (now.adapter == nullptr || !now.is_for(ticket_.member)) {
    ending.outcome = rpc::Outcome::refused;
    ending.cause = "the model was removed";
    ending.error = refusal_error({ticket_.number, rpc::RefusalCause::model_removed, {}, {}}, row_.model);
    return ending;
  }
  ending.cause = "the engine lacks the adapter";
  ending.error = ApiError{Cause::model_unavailable, "The adapter of this model cannot be used at the moment."};
  ending.retry = true;  // a newer engine may have it
  return ending;
}

net::Task<Exchange::Ending> Exchange::talk() {
  if (!ticket_.adapter.empty() && !grant_->adapter) co_return without_adapter();
  if (auto refused = engines::beyond(*grant_, model_.settings, request_))
    co_return Ending{rpc::Outcome::refused, "beyond the engine", std::move(refused)};
  upstream_.emplace(context_.client.open(address_of(grant_->endpoint)));
  std::string body;
  body.reserve(request_.body().size() + 256);
  request_.append_upstream_body(body, engines::upstream_of(*grant_, model_.settings));
  const std::string salt = engines::takes_salt(grant_->engine_kind) ? context_.salts.of(ticket_.member) : "";
  engines::append_engine_members(body, *grant_, request_.endpoint, request_.stream, {salt, ticket_.lane});
  body += '}';
  const std::string target =
      grant_->endpoint.base_path + std::string(std::string_view(openai::path_of(request_.endpoint)).substr(3)) +
      (request_.count_only ? engines::counting_path(grant_->engine_kind, request_.endpoint) : "");
  auto sent = co_await upstream_->send("POST", target, upstream_headers(), body);
  if (!sent) co_return broke_off(sent.error());
  asked_ = true;
  auto status = co_await upstream_->head();
  if (!status) co_return broke_off(status.error());
  last_byte_ = context_.loop.now();
  if (*status != 200) {
    auto text = co_await upstream_->read_all(limits::upstream_head_bytes_max);
    if (interrupt_ != Interrupt::none) co_return interrupted();
    Ending ending;
    ending.error = engines::error_from(grant_->engine_kind, request_.endpoint, *status,
                                       text ? std::string_view(*text) : std::string_view(), context_.document,
                                       request_.uses_tools);
    if (*status == 404 && grant_->adapter) co_return without_adapter();  // taken out since the grant
    const bool client_fault = ending.error->status() < 500;
    ending.outcome = client_fault ? rpc::Outcome::refused : rpc::Outcome::failed;
    ending.cause = fmt::format("engine status {}", *status);
    ending.engine_fault = !client_fault;
    ending.retry = *status == 503;  // not ready after all
    co_return ending;
  }
  if (request_.stream) co_return co_await relay_stream();
  if (request_.count_only) {
    auto text = co_await upstream_->read_all(limits::upstream_head_bytes_max);
    if (!text) co_return broke_off(text.error());
    co_return relay_count(*text);
  }
  if (engines::always_streams(grant_->engine_kind, request_.endpoint)) co_return co_await gather_stream();
  auto text = co_await upstream_->read_all(limits::upstream_body_bytes_max);
  if (!text) co_return broke_off(text.error());
  co_return relay_whole(*text);
}

// An engine that streams always, for a client who did not ask for it: see engines/gather.hpp.
net::Task<Exchange::Ending> Exchange::gather_stream() {
  engines::Gather gather(request_.endpoint);
  auto broken = co_await gather_into(gather);
  book_deltas(gather.deltas());
  if (broken) co_return std::move(*broken);
  if (!gather.complete()) co_return broke_off({Errc::unavailable, "the engine ended its answer too early", ""});
  co_await settle_upstream();
  co_return relay_whole(gather.body());
}

// Nothing: the engine has said its last word, or as good as.
net::Task<std::optional<Exchange::Ending>> Exchange::gather_into(engines::Gather& gather) {
  openai::SseParser parser;
  std::string bytes;
  while (true) {
    bytes.clear();
    auto more = co_await upstream_->read(bytes);
    if (!more || !*more) {
      if (interrupt_ != Interrupt::none) co_return interrupted();
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

// In the middle of its answer.
Exchange::Ending Exchange::said_error(ApiError error) const {
  if (interrupt_ != Interrupt::none) return interrupted();
  Ending ending;
  ending.cause = "the engine broke off";
  ending.engine_fault = error.status() >= 500;
  if (!ending.engine_fault) ending.outcome = rpc::Outcome::refused;
  ending.retry = ending.engine_fault && !relayed_;
  ending.error = std::move(error);
  return ending;
}

Exchange::Ending Exchange::relay_whole(std::string_view text) {
  auto answer = openai::rewrite_answer(text, request_, request_.model, context_.document);
  if (!answer) {
    const bool client_fault = answer.error().status() < 500;
    Ending ending{client_fault ? rpc::Outcome::refused : rpc::Outcome::failed,
                  client_fault ? "beyond the model" : "the engine's answer is not what the endpoint promises",
                  answer.error()};
    ending.engine_fault = !client_fault;
    return ending;
  }
  usage_ = answer->usage;
  Ending ending;
  ending.outcome = rpc::Outcome::done;
  ending.whole = std::move(answer->body);
  return ending;
}

// No token was read or made: the row says none.
Exchange::Ending Exchange::relay_count(std::string_view text) const {
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

void Exchange::take_step(const openai::StreamRewriter::Step& step) {
  if (step.token) {
    if (step.first_token) {
      metrics_.first_token(last_byte_ - admitted_);
    } else {
      metrics_.between_tokens(last_byte_ - last_token_);
    }
    last_token_ = last_byte_;
  }
  const bool last_words = step.verdict == openai::StreamRewriter::Verdict::done && !step.data.empty();
  if (step.verdict == openai::StreamRewriter::Verdict::forward || last_words) {
    if (!sink_.opened()) sink_.open(times());
    sink_.event(step.data);
    relayed_ = true;
    last_sent_ = last_byte_;
  }
}

net::Task<Exchange::Ending> Exchange::relay_stream() {
  openai::SseParser parser;
  rewriter_ = openai::StreamRewriter(request_.endpoint, request_.model, request_.form);
  std::string bytes;
  bool ended = false;
  while (!ended) {
    bytes.clear();
    auto more = co_await upstream_->read(bytes);
    if (!more || !*more) {
      if (more || interrupt_ != Interrupt::none || rewriter_.failed()) break;
      if (!rewriter_.complete()) {
        book_stream();
        co_return broke_off(more.error());
      }
      break;  // the answer was whole; only the farewell is missing
    }
    last_byte_ = context_.loop.now();
    parser.push(bytes);
    while (!ended) {
      auto event = parser.next();
      if (!event) {
        book_stream();
        co_return broke_off(event.error());
      }
      if (!*event) break;
      const auto step = rewriter_.step(**event, context_.document);
      take_step(step);
      ended = step.verdict == openai::StreamRewriter::Verdict::done ||
              step.verdict == openai::StreamRewriter::Verdict::failed;
    }
    if (!ended) sink_.flush();
    if (sink_.congested()) interrupt(Interrupt::too_slow);
    tell_progress(rewriter_.output_tokens());
  }
  book_stream();
  if (rewriter_.complete() && interrupt_ != Interrupt::gone && interrupt_ != Interrupt::too_slow) {
    co_await settle_upstream();
    Ending ending;
    ending.outcome = rpc::Outcome::done;
    co_return ending;
  }
  co_return said_error(rewriter_.failed()
                           ? rewriter_.error()
                           : ApiError{Cause::engine_failed, "The model broke off in the middle of its answer."});
}

// What the engine said it used, or what was seen of it where it broke off before it said so.
void Exchange::book_stream() {
  book_deltas(rewriter_.deltas());
  if (rewriter_.usage().known) usage_ = rewriter_.usage();
}

void Exchange::book_deltas(std::uint32_t deltas) {
  usage_ = {};
  usage_.output_tokens = deltas;
  if (deltas > 0) usage_.prompt_tokens = request_.prompt_tokens_estimate;
}

// What runs is paid for as it comes, not at its end. The prompt's estimate was charged when it was begun.
void Exchange::tell_progress(std::uint32_t output_tokens) {
  if (last_byte_ - last_progress_ <= 1s) return;
  last_progress_ = last_byte_;
  context_.mesh.progress({ticket_.number, output_tokens});
}

// The answer is whole. Its connection goes back to the pool now, or when the engine has said its last byte.
net::Task<void> Exchange::settle_upstream() {
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
