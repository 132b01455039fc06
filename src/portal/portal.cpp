#include "portal/portal.hpp"

#include <fmt/format.h>

#include "gateway/http_sink.hpp"
#include "portal/cookie.hpp"
#include "portal/pages.hpp"

namespace faelled::portal {
namespace {

using http::Method;
using openai::ApiError;
using openai::Cause;

// The {id} of a path that fits the pattern; nullopt: it does not fit. An id has no character that wants encoding.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  const std::size_t open = pattern.find("{id}");
  if (open == std::string_view::npos) return pattern == path ? std::optional<std::string>("") : std::nullopt;
  const std::string_view before = pattern.substr(0, open);
  const std::string_view after = pattern.substr(open + 4);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
    return std::nullopt;
  const std::string_view id = path.substr(before.size(), path.size() - before.size() - after.size());
  if (id.contains('/')) return std::nullopt;
  return std::string(id);
}

std::string_view method_name(Method method) {
  switch (method) {
    case Method::get:
      return "GET, HEAD";
    case Method::post:
      return "POST";
    case Method::patch:
      return "PATCH";
    default:
      return "DELETE";
  }
}

bool allowed(Access access, const Visitor& who) {
  switch (access) {
    case Access::anybody:
      return true;
    case Access::session:
      return who.session.has_value();
    case Access::session_or_owner:
      return who.session || who.owner;
    case Access::key_session_or_owner:
      return who.session || who.owner || who.key;
    case Access::owner:
      return who.owner;
  }
  return false;
}

ApiError denied(Access access, const Visitor& who) {
  if (!who.session && !who.key && !who.owner)
    return {Cause::invalid_api_key, "You are not signed in. Open a sign-in link first."};
  if (access == Access::owner)
    return {Cause::forbidden, "This is for the operator: use the command line on the server's own machine."};
  return {Cause::forbidden, "This is for people who are signed in on the page."};
}

// A page of another origin may make a browser send our cookie's requests, but cannot hide where they come from. What
// sends neither header is no browser, and has no cookie that somebody else could use.
bool from_elsewhere(const http::Request& request) {
  const auto site = request.header("sec-fetch-site");
  if (!site.empty()) return site != "same-origin" && site != "none";
  const auto origin = request.header("origin");
  if (origin.empty()) return false;
  const std::size_t scheme = origin.find("://");
  return scheme == std::string_view::npos || origin.substr(scheme + 3) != request.header("host");
}

}  // namespace

void Call::json(int status, std::string_view body) const {
  reply.send(
      status,
      fmt::format("Content-Type: application/json\r\nCache-Control: no-store\r\nx-request-id: {}\r\n", request_id),
      body);
}

void Call::none() const {
  reply.send(204, fmt::format("Cache-Control: no-store\r\nx-request-id: {}\r\n", request_id), {});
}

void Call::fail(const ApiError& error) const { gateway::send_error(reply, error, request_id); }

void Call::fail(const Error& error, std::string_view param) const {
  const openai::Cause cause = openai::cause_of(error.code);
  if (openai::row_of(cause).status >= 500) {
    log.error("a call failed", {{"request_id", request_id}, {"cause", error.message}});
    if (!visitor.owner && cause == openai::Cause::store_unavailable)
      return fail(
          ApiError{cause, "The server cannot reach its data at the moment; nothing was changed. Try again soon."});
    if (!visitor.owner) return fail(ApiError{cause, "The server cannot do this at the moment; try again soon."});
  }
  std::string message = error.message;
  if (!error.hint.empty()) message += (message.ends_with('.') ? " " : "; ") + error.hint;
  fail(ApiError{cause, std::move(message), std::string(param)});
}

Portal::Portal(Parts parts) : p_(std::move(parts)) {}

std::span<const Portal::Route> Portal::routes() {
  static constexpr Route all[] = {
      {Method::post, "/api/session", Access::anybody, &Portal::sign_in},
      {Method::get, "/api/session", Access::session, &Portal::get_session},
      {Method::del, "/api/session", Access::session, &Portal::sign_out},
      {Method::get, "/api/models", Access::key_session_or_owner, &Portal::list_models},
      {Method::get, "/api/conversations", Access::session, &Portal::list_conversations},
      {Method::post, "/api/conversations", Access::session, &Portal::create_conversation},
      {Method::get, "/api/conversations/{id}", Access::session, &Portal::get_conversation},
      {Method::patch, "/api/conversations/{id}", Access::session, &Portal::rename_conversation},
      {Method::del, "/api/conversations/{id}", Access::session, &Portal::delete_conversation},
      {Method::post, "/api/conversations/{id}/turns", Access::session, &Portal::start_turn},
      {Method::get, "/api/turns/{id}/events", Access::session, &Portal::watch_turn},
      {Method::del, "/api/turns/{id}", Access::session, &Portal::stop_turn},
      {Method::get, "/api/usage", Access::key_session_or_owner, &Portal::get_usage},
      {Method::get, "/api/members", Access::owner, &Portal::list_members},
      {Method::post, "/api/members", Access::owner, &Portal::create_member},
      {Method::get, "/api/members/{id}/users", Access::owner, &Portal::list_users},
      {Method::post, "/api/members/{id}/users", Access::owner, &Portal::create_user},
      {Method::get, "/api/keys", Access::session_or_owner, &Portal::list_keys},
      {Method::post, "/api/keys", Access::session_or_owner, &Portal::create_key},
      {Method::del, "/api/keys/{id}", Access::session_or_owner, &Portal::revoke_key},
      {Method::post, "/api/keys/import", Access::owner, &Portal::import_keys},
      {Method::get, "/api/front-ends", Access::owner, &Portal::list_front_ends},
      {Method::post, "/api/front-ends/test", Access::owner, &Portal::test_front_end},
      {Method::post, "/api/sign-in-links", Access::owner, &Portal::create_sign_in_link},
      {Method::get, "/api/openapi.json", Access::anybody, &Portal::description},
  };
  return all;
}

Visitor Portal::visitor_of(const http::Request& request, const http::Reply& reply) {
  Visitor who;
  who.owner = reply.from_owner();
  const WallTime now = p_.context.clock.wall();
  if (const auto token = session_cookie(request.header("cookie")); !token.empty()) {
    if (auto session = p_.directory.session(token, now)) who.session = std::move(*session);
  }
  if (const auto header = request.header("authorization"); header.starts_with("Bearer ")) {
    if (auto caller = p_.directory.authenticate(header.substr(7), now)) who.key = std::move(*caller);
  }
  return who;
}

net::Task<void> Portal::handle(const http::Request& request, http::Reply& reply) {
  if (!request.path.starts_with("/api/") && request.path != "/api") {
    send_page(request, reply);
    co_return;
  }
  Call call{request, reply, p_.gateway.new_request_id(), visitor_of(request, reply), p_.context.log, {}};
  std::string allow;  // RFC 9110 section 15.5.6: a 405 names them
  for (const Route& route : routes()) {
    auto id = match(route.path, request.path);
    if (!id) continue;
    allow += fmt::format("{}{}", allow.empty() ? "Allow: " : ", ", method_name(route.method));
    const bool head = request.method == Method::head && route.method == Method::get;
    if (route.method != request.method && !head) continue;
    if (!allowed(route.access, call.visitor)) {
      call.fail(denied(route.access, call.visitor));
      co_return;
    }
    if (request.method != Method::get && !head && !reply.from_owner() && from_elsewhere(request)) {
      call.fail(ApiError{Cause::forbidden, "This request came from another site's page."});
      co_return;
    }
    if (!request.body.empty() && !request.header("content-type").starts_with("application/json")) {
      call.fail(ApiError{Cause::wrong_content_type, "The body must be JSON; send 'Content-Type: application/json'."});
      co_return;
    }
    call.id = std::move(*id);
    co_await (this->*route.handler)(call);
    co_return;
  }
  if (allow.empty())
    co_return call.fail(
        ApiError{Cause::not_found, "There is nothing at this address; /api/openapi.json lists what is."});
  gateway::send_error(reply, {Cause::method_not_allowed, "This address does not take that method."}, call.request_id,
                      allow + "\r\n");
}

// The values live until the document parses again: a handler reads them before it waits for anything.
std::expected<json::Fields, ApiError> Portal::body_of(const Call& call) {
  auto root = document_.parse(call.request.body.empty() ? std::string_view("{}") : call.request.body);
  if (!root) {
    const bool too_large = root.error().code == Errc::too_large;
    return std::unexpected(ApiError{too_large ? Cause::body_too_large : Cause::invalid_json, root.error().message});
  }
  auto fields = json::Fields::of(*root);
  if (!fields) return std::unexpected(openai::api_error_of(fields.error()));
  return std::move(*fields);
}

}  // namespace faelled::portal
