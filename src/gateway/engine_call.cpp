#include "gateway/engine_call.hpp"

#include <fmt/format.h>

#include "engines/dialect.hpp"

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

EngineCall::EngineCall(Context& context, const Inquiry& inquiry, const Wait& wait, rpc::Grant grant,
                       Instant progress_told)
    : context_(context),
      inquiry_(inquiry),
      request_(inquiry.request),
      wait_(wait),
      grant_(std::move(grant)),
      last_byte_(context.loop.now()),
      progress_told_(progress_told) {}

void EngineCall::cut_off(Interrupt why) {
  cut_off_ = why;
  upstream_->cancel();
}

Instant EngineCall::silent_at() const {
  const bool bytes_are_due =
      request_.stream || request_.count_only || engines::always_streams(grant_.engine_kind, request_.endpoint);
  return bytes_are_due ? last_byte_ + context_.settings.silence_max : Instant::max();
}

std::string EngineCall::headers() const {
  std::string headers =
      fmt::format("Content-Type: application/json\r\nAccept: {}\r\nx-request-id: {}\r\n",
                  request_.stream ? "text/event-stream" : "application/json", wait_.ticket().request_id);
  if (!grant_.endpoint.authorization.empty())
    headers += fmt::format("Authorization: {}\r\n", grant_.endpoint.authorization);
  if (const std::string span = child_span(inquiry_.traceparent, context_.random); !span.empty())
    headers += fmt::format("traceparent: {}\r\n", span);
  return headers;
}

std::string EngineCall::target() const {
  return grant_.endpoint.base_path + std::string(std::string_view(openai::path_of(request_.endpoint)).substr(3)) +
         (request_.count_only ? engines::counting_path(grant_.engine_kind, request_.endpoint) : "");
}

std::string EngineCall::body() const {
  const rpc::Ticket& ticket = wait_.ticket();
  std::string body;
  body.reserve(request_.body().size() + 256);
  request_.append_upstream_body(body, engines::upstream_of(grant_, inquiry_.model.settings));
  const std::string salt = engines::takes_salt(grant_.engine_kind) ? context_.salts.of(ticket.member) : "";
  engines::append_engine_members(body, grant_, request_.endpoint, request_.stream, {salt, ticket.lane});
  body += '}';
  return body;
}

net::Task<Ending> EngineCall::run() {
  if (!wait_.ticket().adapter.empty() && !grant_.adapter) co_return without_adapter();
  if (auto beyond = engines::beyond(grant_, inquiry_.model.settings, request_))
    co_return Ending{rpc::Outcome::refused, "beyond the engine", std::move(beyond)};
  upstream_.emplace(context_.client.open(address_of(grant_.endpoint)));
  auto sent = co_await upstream_->send("POST", target(), headers(), body());
  if (!sent) co_return broke_off(sent.error());
  asked_ = true;
  auto status = co_await upstream_->head();
  if (!status) co_return broke_off(status.error());
  last_byte_ = context_.loop.now();
  if (*status != 200) co_return co_await refused(*status);
  if (request_.stream) co_return co_await relay_stream();
  if (request_.count_only) {
    auto text = co_await upstream_->read_all(limits::upstream_head_bytes_max);
    if (!text) co_return broke_off(text.error());
    co_return relay_count(*text);
  }
  if (engines::always_streams(grant_.engine_kind, request_.endpoint)) co_return co_await gather_stream();
  auto text = co_await upstream_->read_all(limits::upstream_body_bytes_max);
  if (!text) co_return broke_off(text.error());
  co_return relay_whole(*text);
}

net::Task<Ending> EngineCall::refused(int status) {
  auto text = co_await upstream_->read_all(limits::upstream_head_bytes_max);
  if (cut_off_) co_return ending_of(*cut_off_, context_.settings);
  if (status == 404 && grant_.adapter) co_return without_adapter();  // taken out since the grant
  Ending ending;
  ending.error =
      engines::error_from(grant_.engine_kind, request_.endpoint, status,
                          text ? std::string_view(*text) : std::string_view(), context_.document, request_.uses_tools);
  const bool client_fault = ending.error->status() < 500;
  ending.outcome = client_fault ? rpc::Outcome::refused : rpc::Outcome::failed;
  ending.cause = fmt::format("engine status {}", status);
  ending.engine_fault = !client_fault;
  ending.retry = status == 503;  // not ready after all
  co_return ending;
}

// The engine is there, and has the ticket's adapter not: it was taken out while the ticket waited, or cannot be used.
Ending EngineCall::without_adapter() const {
  Ending ending;
  const Catalogue::Asked now = context_.catalogue.asked(inquiry_.asked);
  if (now.adapter == nullptr || !now.is_for(wait_.ticket().member))
    return ending_of({wait_.ticket().number, rpc::RefusalCause::model_removed, {}, {}}, inquiry_.asked);
  ending.cause = "the engine lacks the adapter";
  ending.error = ApiError{Cause::model_unavailable, "The adapter of this model cannot be used at the moment."};
  ending.retry = true;  // a newer engine may have it
  return ending;
}

Ending EngineCall::broke_off(const Error& error) const {
  if (cut_off_) return ending_of(*cut_off_, context_.settings);
  Ending ending;
  ending.cause = error.message;
  ending.engine_fault = true;
  ending.error =
      error.code == Errc::timeout ? ApiError{Cause::engine_timeout, "The model did not answer in time."}
      : inquiry_.sink.opened()
          ? ApiError{Cause::engine_failed, "The model broke off in the middle of its answer."}
          : ApiError{Cause::engine_failed, "The model could not be reached, or broke off before it answered."};
  ending.retry = !relayed_at_ && error.code == Errc::unavailable;
  return ending;
}

// In the middle of its answer.
Ending EngineCall::said_error(ApiError error) const {
  if (cut_off_) return ending_of(*cut_off_, context_.settings);
  Ending ending;
  ending.cause = "the engine broke off";
  ending.engine_fault = error.status() >= 500;
  if (!ending.engine_fault) ending.outcome = rpc::Outcome::refused;
  ending.retry = ending.engine_fault && !relayed_at_;
  ending.error = std::move(error);
  return ending;
}

}  // namespace faelled::gateway
