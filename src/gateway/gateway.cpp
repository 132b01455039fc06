#include "gateway/gateway.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "gateway/choices.hpp"
#include "gateway/http_sink.hpp"
#include "gateway/messages_sink.hpp"
#include "gateway/paths.hpp"
#include "json/writer.hpp"
#include "openai/answer.hpp"

namespace faelled::gateway {
namespace {

using openai::ApiError;
using openai::Cause;

std::optional<openai::Endpoint> endpoint_of(std::string_view path) {
  for (const auto endpoint : openai::endpoints)
    if (path == openai::path_of(endpoint)) return endpoint;
  return std::nullopt;
}

// An upstream says itself what it does not serve, but for rankings: there a model must be meant for it.
bool serves(const engines::ModelSettings& model, openai::Endpoint endpoint) {
  if (endpoint == openai::Endpoint::rerank) return model.rerank;
  if (model.kind == engines::EngineKind::openai) return true;
  return !model.rerank && model.embeddings == (endpoint == openai::Endpoint::embeddings);
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

// The key is in either header; Anthropic's clients send the second.
std::string_view key_of(const http::Request& request) {
  const std::string_view key = bearer(request.header("authorization"));
  return key.empty() ? request.header("x-api-key") : key;
}

Wire wire_of(const http::Request& request) {
  return request.path.starts_with("/v1/messages") || !request.header("anthropic-version").empty() ? Wire::anthropic
                                                                                                  : Wire::openai;
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

front_ends::Peer certificate_of(const http::Reply& reply) { return {reply.client_certificate()}; }

}  // namespace

void Gateway::reject(http::Reply& reply, const ApiError& error, std::string_view request_id, Wire wire,
                     std::string_view more) {
  context_.metrics.rejected(error.status());
  wire == Wire::anthropic ? send_anthropic_error(reply, error, request_id, more)
                          : send_error(reply, error, request_id, more);
}

bool Gateway::takes_json(const http::Request& request, http::Reply& reply, std::string_view request_id, Wire wire) {
  if (request.method != http::Method::post) {
    reject(reply, {Cause::method_not_allowed, fmt::format("{} takes POST only.", request.path)}, request_id, wire,
           "Allow: POST\r\n");
    return false;
  }
  if (const auto type = request.header("content-type"); !type.empty() && !type.contains("json")) {
    reject(reply, {Cause::wrong_content_type, "The body must be JSON; send 'Content-Type: application/json'."},
           request_id, wire);
    return false;
  }
  return true;
}

std::expected<members::Caller, ApiError> Gateway::who_asks(const http::Request& request, const http::Reply& reply,
                                                           std::string_view request_id) {
  const WallTime now = context_.clock.wall();
  std::optional<members::Caller> caller;
  if (const std::string_view secret = key_of(request); !secret.empty()) {
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
  if (!caller) reject(reply, caller.error(), request_id, wire_of(head));
  return caller.has_value();
}

std::optional<ApiError> Gateway::closed() const {
  const Maintenance& maintenance = context_.maintenance;
  if (!maintenance.on) return std::nullopt;
  const WallTime now = context_.clock.wall();
  const auto left = maintenance.until && *maintenance.until > now
                        ? std::min<WallTime::duration>(*maintenance.until - now, openai::retry_after_max)
                        : WallTime::duration(limits::maintenance_retry_after);
  return ApiError{Cause::maintenance, maintenance.message, {}, left, maintenance.message_da};
}

net::Task<void> Gateway::handle(const http::Request& request, http::Reply& reply) {
  const std::string request_id = new_request_id();
  const Wire wire = wire_of(request);
  auto caller = who_asks(request, reply, request_id);
  if (!caller) {
    reject(reply, caller.error(), request_id, wire);
    co_return;
  }
  if (is_under(request.path, "/v1/models")) {
    models(*caller, request, reply, request_id, wire);
    co_return;
  }
  if (const auto why = closed()) {
    reject(reply, *why, request_id, wire);
    co_return;
  }
  if (is_under(request.path, "/v1/responses"))
    co_return co_await responses(request, reply, std::move(*caller), request_id);
  if (is_under(request.path, "/v1/messages"))
    co_return co_await messages(request, reply, std::move(*caller), request_id);
  const auto endpoint = endpoint_of(request.path);
  if (!endpoint) {
    reject(reply, {Cause::not_found, fmt::format("There is no {} here.", request.path.substr(0, 100))}, request_id,
           wire);
    co_return;
  }
  if (!takes_json(request, reply, request_id, wire)) co_return;
  HttpSink sink(reply, request_id);
  co_await run(*endpoint, std::move(*caller), std::string(request.body), request_id, traceparent_of(request), sink);
}

net::Task<void> Gateway::chat(members::Caller caller, std::string body, std::string request_id, AnswerSink& sink) {
  co_await run(openai::Endpoint::chat, std::move(caller), std::move(body), std::move(request_id), {}, sink);
}

net::Task<void> Gateway::run(openai::Endpoint endpoint, members::Caller caller, std::string body,
                             std::string request_id, std::string traceparent, AnswerSink& sink, bool count_only) {
  auto parsed = openai::Request::parse(endpoint, std::move(body), context_.document);
  if (!parsed) {
    context_.metrics.rejected(parsed.error().status());
    sink.fail(parsed.error());
    co_return;
  }
  parsed->count_only = count_only;
  const WallTime now = context_.clock.wall();
  const store::AgreementRow* agreement = directory_.agreements().in_force(caller.member, now);
  if (agreement != nullptr && agreement->suspended) {
    context_.metrics.rejected(403);
    ApiError error{Cause::forbidden, "Your organisation's access is suspended: " + agreement->reason_en};
    error.message_da = "Jeres aftale er sat i bero: " + agreement->reason_da;
    sink.fail(error);
    co_return;
  }
  if (agreement != nullptr && agreement->wait_s) caller.wait = std::chrono::seconds(*agreement->wait_s);
  const Catalogue::Asked asked = context_.catalogue.asked(parsed->model);
  if (!may(caller, asked)) {
    const ApiError error = not_found(caller, parsed->model);
    context_.metrics.rejected(error.status());
    sink.fail(error);
    co_return;
  }
  const auto model = context_.catalogue.hold(asked.model->settings.id);  // until its answer ends
  if (!serves(model->settings, endpoint)) {
    context_.metrics.rejected(400);
    sink.fail({Cause::unsupported_value,
               fmt::format("The model '{}' does not serve {}.", parsed->model, openai::path_of(endpoint)), "model"});
    co_return;
  }
  if (parsed->form.dimensions > 0 && !model->settings.shorter_vectors) {
    context_.metrics.rejected(400);
    sink.fail({Cause::unsupported_parameter,
               fmt::format("The vectors of '{}' cannot be shortened without losing their sense.", parsed->model),
               "dimensions"});
    co_return;
  }
  if (parsed->choices() > 1) {
    Choices choices(context_, caller, *parsed, asked, request_id, traceparent, sink);
    co_await choices.run();
    co_return;
  }
  Exchange exchange(context_, caller, std::move(*parsed), asked, std::move(request_id), std::move(traceparent), sink);
  co_await exchange.run();
}

bool Gateway::may(const members::Caller& caller, const Catalogue::Asked& asked) const {
  return asked.model != nullptr && asked.is_for(caller.member) &&
         directory_.allows(caller, asked.id(), context_.clock.wall());
}

std::vector<std::string> Gateway::names_for(const members::Caller& caller) const {
  std::vector<std::string> names;
  const WallTime now = context_.clock.wall();
  context_.catalogue.each_listed([&](std::string_view name, std::string_view id, const Catalogue::Asked* asked) {
    if ((asked == nullptr || asked->is_for(caller.member)) && directory_.allows(caller, id, now))
      names.emplace_back(name);
  });
  return names;
}

// Whoever mistypes one of very many names is not kept waiting for all of them to be compared.
ApiError Gateway::not_found(const members::Caller& caller, std::string_view asked) const {
  constexpr std::size_t compared_max = 1000;
  return openai::model_not_found(
      asked, context_.catalogue.size() > compared_max ? std::vector<std::string>() : names_for(caller));
}

void Gateway::models(const members::Caller& caller, const http::Request& request, http::Reply& reply,
                     std::string_view request_id, Wire wire) {
  if (request.method != http::Method::get && request.method != http::Method::head)
    return reject(reply, {Cause::method_not_allowed, "The list of models takes GET only."}, request_id, wire,
                  "Allow: GET, HEAD\r\n");
  if (wire == Wire::anthropic) return anthropic_models(caller, request, reply, request_id);
  std::string body;
  const std::int64_t created_s = unix_seconds(context_.catalogue.created());
  if (request.path.size() <= std::string_view("/v1/models/").size()) {
    std::vector<openai::ModelEntry> all;
    const std::vector<std::string> names = names_for(caller);  // the entries refer to them
    for (const std::string& id : names) all.push_back({id, created_s});
    openai::append_model_list(body, all);
  } else {
    const std::string id = model_of(request.path);
    if (!may(caller, context_.catalogue.asked(id))) return reject(reply, not_found(caller, id), request_id, wire);
    openai::append_model(body, {id, created_s});
  }
  reply.send(
      200, fmt::format("Content-Type: application/json\r\nx-request-id: {}\r\nCache-Control: no-store\r\n", request_id),
      body);
}

}  // namespace faelled::gateway
