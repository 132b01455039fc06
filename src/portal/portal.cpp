#include "portal/portal.hpp"

#include <fmt/format.h>

#include "gateway/http_sink.hpp"
#include "portal/assets.hpp"
#include "portal/cookie.hpp"

namespace faelled::portal {
namespace {

using http::Method;
using openai::ApiError;
using openai::Cause;

constexpr std::string_view page_headers =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), microphone=(), geolocation=()\r\nVary: Accept-Encoding\r\n";

// The {id} of a path that fits the pattern; nullopt: it does not fit.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  const std::size_t open = pattern.find("{id}");
  if (open == std::string_view::npos) return pattern == path ? std::optional<std::string>("") : std::nullopt;
  const std::string_view before = pattern.substr(0, open);
  const std::string_view after = pattern.substr(open + 4);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) return std::nullopt;
  const std::string_view id = path.substr(before.size(), path.size() - before.size() - after.size());
  if (id.contains('/')) return std::nullopt;
  return http::query_value(fmt::format("v={}", id), "v");
}

bool allowed(Access access, const Visitor& who) {
  switch (access) {
    case Access::anybody: return true;
    case Access::session: return who.session.has_value();
    case Access::session_or_owner: return who.session || who.owner;
    case Access::key_session_or_owner: return who.session || who.owner || who.key;
    case Access::owner: return who.owner;
  }
  return false;
}

// A page of another origin may make a browser send our cookie's requests, but cannot hide where they come from.
bool from_elsewhere(const http::Request& request) {
  const auto site = request.header("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none") return true;
  const auto origin = request.header("origin");
  if (origin.empty()) return false;
  const std::size_t scheme = origin.find("://");
  return scheme == std::string_view::npos || origin.substr(scheme + 3) != request.header("host");
}

}  // namespace

void Call::json(int status, std::string_view body) const {
  reply.send(status, fmt::format("Content-Type: application/json\r\nCache-Control: no-store\r\nx-request-id: {}\r\n", request_id), body);
}

void Call::none() const { reply.send(204, fmt::format("Cache-Control: no-store\r\nx-request-id: {}\r\n", request_id), {}); }

void Call::fail(const ApiError& error) const { gateway::send_error(reply, error, request_id); }

void Call::fail(const Error& error) const { fail(openai::api_error_of(error)); }

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
    page(request, reply);
    co_return;
  }
  Call call{request, reply, p_.gateway.new_request_id(), visitor_of(request, reply), {}};
  bool path_known = false;
  for (const Route& route : routes()) {
    auto id = match(route.path, request.path);
    if (!id) continue;
    path_known = true;
    const bool head = request.method == Method::head && route.method == Method::get;
    if (route.method != request.method && !head) continue;
    if (!allowed(route.access, call.visitor)) {
      const bool known = call.visitor.session || call.visitor.key;
      call.fail(known ? ApiError{Cause::forbidden, "This is for the operator: use the command line on the server's own machine."}
                      : ApiError{Cause::invalid_api_key, "You are not signed in. Open a sign-in link first."});
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
  call.fail(path_known ? ApiError{Cause::method_not_allowed, "This address does not take that method."}
                       : ApiError{Cause::not_found, "There is nothing at this address; /api/openapi.json lists what is."});
}

void Portal::page(const http::Request& request, http::Reply& reply) const {
  const auto plain = [&](int status, std::string_view text) {
    reply.send(status, fmt::format("Content-Type: text/plain; charset=utf-8\r\n{}", page_headers), text);
  };
  if (request.method != Method::get && request.method != Method::head) return plain(405, "GET only\n");
  const Asset* asset = find_asset(request.path);
  const bool hashed = request.path.starts_with("/assets/");
  if (asset == nullptr) {
    // Addresses of the page itself (/c/…, /sign-in) are answered by the one document; files are not.
    if (hashed || request.path.substr(request.path.rfind('/')).contains('.')) return plain(404, "not found\n");
    asset = find_asset("/index.html");
    if (asset == nullptr) return plain(404, "not found\n");
  }
  std::string headers = fmt::format("{}ETag: {}\r\nCache-Control: {}\r\n", page_headers, asset->etag,
                                    hashed ? "public, max-age=31536000, immutable" : "no-cache");
  if (request.header("if-none-match") == asset->etag) return reply.send(304, headers, {});
  headers += fmt::format("Content-Type: {}\r\n", asset->content_type);
  const auto accepts = request.header("accept-encoding");
  if (!asset->brotli.empty() && accepts.contains("br")) {
    headers += "Content-Encoding: br\r\n";
    return reply.send(200, headers, asset->brotli);
  }
  if (!asset->gzip.empty() && accepts.contains("gzip")) {
    headers += "Content-Encoding: gzip\r\n";
    return reply.send(200, headers, asset->gzip);
  }
  reply.send(200, headers, asset->identity);
}

// The values live until the document parses again: a handler reads them before it waits for anything.
Expected<json::Fields> Portal::body_of(const Call& call) {
  auto root = document_.parse(call.request.body.empty() ? std::string_view("{}") : call.request.body);
  if (!root) return std::unexpected(root.error());
  return json::Fields::of(*root);
}

}  // namespace faelled::portal
