#include "gateway/gateway.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/ids.hpp"
#include "gateway/http_sink.hpp"
#include "json/writer.hpp"
#include "openai/answer.hpp"

namespace faelled::gateway {
namespace {

using openai::ApiError;
using openai::Cause;

std::optional<openai::Endpoint> endpoint_of(std::string_view path) {
  for (const auto endpoint : {openai::Endpoint::chat, openai::Endpoint::completions, openai::Endpoint::embeddings})
    if (path == openai::path_of(endpoint)) return endpoint;
  return std::nullopt;
}

// "Bearer sk-…"; the scheme is without regard to case (RFC 9110 section 11.1).
std::string_view bearer(std::string_view header) {
  constexpr std::string_view scheme = "bearer ";
  if (header.size() <= scheme.size() || !http::same_name(header.substr(0, scheme.size()), scheme)) return {};
  header.remove_prefix(scheme.size());
  while (header.starts_with(' ')) header.remove_prefix(1);
  while (header.ends_with(' ')) header.remove_suffix(1);
  return header;
}

// Passed on only in the one form that cannot carry anything else (W3C Trace Context, section 3.2).
std::string valid_traceparent(std::string_view header) {
  if (header.size() != 55 || !header.starts_with("00-") || header[35] != '-' || header[52] != '-') return {};
  const std::string_view trace = header.substr(3, 32);
  const std::string_view span = header.substr(36, 16);
  const std::string_view flags = header.substr(53);
  const auto hex = [](std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  };
  const auto zero = [](std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; };
  const bool valid = hex(trace) && hex(span) && hex(flags) && !zero(trace) && !zero(span);
  return valid ? std::string(header) : std::string();
}

// Of a path, where '+' and '&' mean themselves.
std::string percent_decoded(std::string_view text) {
  std::string query = "v=";
  for (const char c : text) query += c == '+' ? "%2B" : c == '&' ? "%26" : std::string(1, c);
  return http::query_value(query, "v");
}

Cause cause_of(front_ends::RefusalCause cause) {
  switch (cause) {
    case front_ends::RefusalCause::person_missing:
    case front_ends::RefusalCause::token_refused:
      return Cause::invalid_user_token;
    case front_ends::RefusalCause::no_member:
    case front_ends::RefusalCause::closed:
      return Cause::forbidden;
    case front_ends::RefusalCause::full:
      break;
  }
  return Cause::overloaded;
}

front_ends::Peer certificate_of(const http::Reply& reply) {
  const crypto::Certificate* who = reply.client_certificate();
  return who == nullptr ? front_ends::Peer{} : front_ends::Peer{who->common_name};
}

}  // namespace

void Gateway::reject(http::Reply& reply, const ApiError& error, std::string_view request_id, std::string_view more) {
  context_.metrics.rejected(error.status());
  send_error(reply, error, request_id, more);
}

std::expected<members::Caller, ApiError> Gateway::who_asks(const http::Request& request, const http::Reply& reply,
                                                           std::string_view request_id) {
  const WallTime now = context_.clock.wall();
  std::optional<members::Caller> caller;
  if (const std::string_view secret = bearer(request.header("authorization")); !secret.empty()) {
    auto known = directory_.authenticate(secret, now);
    if (!known) {
      if (const std::string peer = reply.peer(); refusals_.add(peer))
        context_.log.info("a key was refused", {{"request_id", request_id},
                                                {"cause", members::name_of(known.error().cause)},
                                                {"key", known.error().key},
                                                {"peer", peer}});
      return std::unexpected(ApiError{Cause::invalid_api_key, known.error().message});
    }
    caller = std::move(*known);
  }
  if (front_ends_ != nullptr) {
    auto behind = front_ends_->caller_behind(request, certificate_of(reply), caller ? &*caller : nullptr, now);
    if (!behind) {
      if (const std::string peer = reply.peer(); refusals_.add(peer))
        context_.log.info("a front end was refused", {{"request_id", request_id},
                                                      {"cause", behind.error().message},
                                                      {"key", caller ? caller->key : std::string()},
                                                      {"peer", peer}});
      return std::unexpected(ApiError{cause_of(behind.error().cause), behind.error().message});
    }
    caller = std::move(*behind);
  }
  if (caller) return std::move(*caller);
  return std::unexpected(
      ApiError{Cause::missing_api_key, "No API key was sent. Send it as 'Authorization: Bearer sk-…'."});
}

bool Gateway::admit(const http::Request& head, http::Reply& reply) {
  const std::string request_id = new_request_id();
  const auto caller = who_asks(head, reply, request_id);
  if (!caller) reject(reply, caller.error(), request_id);
  return caller.has_value();
}

net::Task<void> Gateway::handle(const http::Request& request, http::Reply& reply) {
  const std::string request_id = new_request_id();
  auto caller = who_asks(request, reply, request_id);
  if (!caller) {
    reject(reply, caller.error(), request_id);
    co_return;
  }
  if (request.path == "/v1/models" || request.path.starts_with("/v1/models/")) {
    models(request, reply, request_id);
    co_return;
  }
  const auto endpoint = endpoint_of(request.path);
  if (!endpoint) {
    reject(reply, {Cause::not_found, fmt::format("There is no {} here.", request.path.substr(0, 100))}, request_id);
    co_return;
  }
  if (request.method != http::Method::post) {
    reject(reply, {Cause::method_not_allowed, fmt::format("{} takes POST only.", request.path)}, request_id,
           "Allow: POST\r\n");
    co_return;
  }
  if (const auto type = request.header("content-type"); !type.empty() && !type.contains("json")) {
    reject(reply, {Cause::wrong_content_type, "The body must be JSON; send 'Content-Type: application/json'."},
           request_id);
    co_return;
  }
  HttpSink sink(reply, request_id);
  co_await run(*endpoint, std::move(*caller), std::string(request.body), request_id,
               valid_traceparent(request.header("traceparent")), sink);
}

net::Task<void> Gateway::chat(members::Caller caller, std::string body, std::string request_id, AnswerSink& sink) {
  co_await run(openai::Endpoint::chat, std::move(caller), std::move(body), std::move(request_id), {}, sink);
}

net::Task<void> Gateway::run(openai::Endpoint endpoint, members::Caller caller, std::string body,
                             std::string request_id, std::string traceparent, AnswerSink& sink) {
  auto parsed = openai::Request::parse(endpoint, std::move(body), context_.document);
  if (!parsed) {
    context_.metrics.rejected(parsed.error().status());
    sink.fail(parsed.error());
    co_return;
  }
  const auto [model, lane] = context_.catalogue.asked(parsed->model);
  if (model == nullptr) {
    const ApiError error = openai::model_not_found(parsed->model, context_.catalogue.listed());
    context_.metrics.rejected(error.status());
    sink.fail(error);
    co_return;
  }
  if (model->settings.kind == engines::EngineKind::llama &&
      model->settings.embeddings != (endpoint == openai::Endpoint::embeddings)) {
    context_.metrics.rejected(400);
    sink.fail({Cause::unsupported_value,
               fmt::format("The model '{}' does not serve {}.", parsed->model, openai::path_of(endpoint)), "model"});
    co_return;
  }
  Exchange exchange(context_, caller, std::move(*parsed), *model, std::move(request_id), std::move(traceparent), sink,
                    lane);
  co_await exchange.run();
}

void Gateway::models(const http::Request& request, http::Reply& reply, std::string_view request_id) {
  if (request.method != http::Method::get && request.method != http::Method::head)
    return reject(reply, {Cause::method_not_allowed, "The list of models takes GET only."}, request_id,
                  "Allow: GET, HEAD\r\n");
  std::string body;
  const std::int64_t created_s = unix_seconds(context_.catalogue.created());
  if (request.path.size() <= std::string_view("/v1/models/").size()) {
    std::vector<openai::ModelEntry> all;
    for (const std::string& id : context_.catalogue.listed()) all.push_back({id, created_s});
    openai::append_model_list(body, all);
  } else {
    const std::string id = percent_decoded(request.path.substr(std::string_view("/v1/models/").size()));
    if (context_.catalogue.asked(id).model == nullptr)
      return reject(reply, openai::model_not_found(id, context_.catalogue.listed()), request_id);
    openai::append_model(body, {id, created_s});
  }
  reply.send(
      200, fmt::format("Content-Type: application/json\r\nx-request-id: {}\r\nCache-Control: no-store\r\n", request_id),
      body);
}

}  // namespace faelled::gateway
