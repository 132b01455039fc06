#include "portal/portal.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/http_sink.hpp"
#include "portal/cookie.hpp"
#include "portal/pages.hpp"
#include "portal/subjects.hpp"

namespace faelled::portal {
namespace {

using http::Method;
using openai::ApiError;
using openai::Cause;

// The {id} of a path that fits the pattern; nullopt: it does not fit. Only a model's has characters that want encoding.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  const std::size_t open = pattern.find("{id}");
  if (open == std::string_view::npos) return pattern == path ? std::optional<std::string>("") : std::nullopt;
  const std::string_view before = pattern.substr(0, open);
  const std::string_view after = pattern.substr(open + 4);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
    return std::nullopt;
  const std::string_view id = path.substr(before.size(), path.size() - before.size() - after.size());
  if (id.contains('/')) return std::nullopt;
  return http::percent_decoded(id);
}

std::string_view method_name(Method method) {
  switch (method) {
    case Method::get:
      return "GET, HEAD";
    case Method::post:
      return "POST";
    case Method::patch:
      return "PATCH";
    case Method::put:
      return "PUT";
    default:
      return "DELETE";
  }
}

ApiError denied(Access access, const Visitor& who) {
  if (!who.session && !who.key && !who.owner)
    return {Cause::invalid_api_key, "You are not signed in. Open a sign-in link first."};
  if (access == access::operators)
    return {Cause::forbidden,
            "This is for operators: sign in as one, or use the command line on the server's own machine."};
  if (!access.has(Who::user) && access.has(Who::member_admin))
    return {Cause::forbidden, "This is for your organisation's administrators."};
  return {Cause::forbidden, "This is for people who are signed in on the page, and not for your role."};
}

std::string_view id_or_nothing(std::string_view text) {
  const bool fits = text.size() <= limits::member_id_bytes_max && std::ranges::all_of(text, [](char c) {
                      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
                    });
  return fits ? text : std::string_view();
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

Subjects::Subjects(Portal::Parts parts)
    : gateway(parts.gateway),
      public_url(std::move(parts.public_url)),
      device_names(std::move(parts.device_names)),
      desk(parts.context, parts.directory, parts.store, parts.conversations, parts.keeping),
      turns(desk, parts.gateway, parts.settings.turns),
      agreements(desk),
      aliases(desk, parts.aliases),
      audit(desk),
      catalogue(desk, parts.keeping, parts.residency),
      commons(desk, parts.shares, parts.check, parts.ledger),
      conversations(desk, turns),
      front_ends(desk, parts.front_ends),
      keys(desk, parts.front_ends),
      maintenance(desk, std::move(parts.facts)),
      members(desk),
      models(desk),
      own_data(desk, turns, parts.ledger, parts.settings.own_data),
      residency(desk, parts.residency, device_names),
      session(desk, public_url),
      status(desk, parts.residency, maintenance.bulletin()),
      turns_api(desk, parts.gateway, turns, parts.settings.keep_alive_every),
      usage(desk, parts.ledger),
      users(desk, turns, public_url) {}

Portal::Portal(Parts parts) : subjects_(std::make_unique<Subjects>(std::move(parts))) {}
Portal::~Portal() = default;

Expected<void> Portal::restore() { return subjects_->maintenance.restore(); }
net::Task<void> Portal::follow() { return subjects_->maintenance.follow(); }
Watch& Portal::watch() { return subjects_->maintenance.watch(); }

net::Task<void> Portal::drain(Duration within) {
  subjects_->own_data.stop_erasing();
  subjects_->turns.cut_off_all();
  co_await subjects_->desk.unkept.settled(subjects_->desk.context.loop, within);
}

Call Portal::call_of(const http::Request& request, http::Reply& reply) {
  Desk& desk = subjects_->desk;
  Visitor who;
  who.owner = reply.from_owner();
  const WallTime now = desk.context.clock.wall();
  if (const auto token = session_cookie(request.header("cookie")); !token.empty()) {
    if (auto session = desk.directory.session(token, now)) who.session = std::move(*session);
  }
  if (const auto header = request.header("authorization"); header.starts_with("Bearer ")) {
    if (auto caller = desk.directory.authenticate(header.substr(7), now)) who.key = std::move(*caller);
  }
  return {request, reply, subjects_->gateway.new_request_id(), std::move(who), desk.context.log, {}};
}

bool Portal::admit(const http::Request& head, http::Reply& reply) {
  for (const Route& route : routes()) {
    const auto id = match(route.path, head.path);
    if (route.method != head.method || !id) continue;
    Call call = call_of(head, reply);
    if (call.visitor.may(route.access)) return true;
    refuse(call, route, *id);
    return false;
  }
  return true;
}

void Portal::refuse(Call& call, const Route& route, const std::string& id) {
  call.fail(denied(route.access, call.visitor));
  if (!route.action.empty()) return subjects_->desk.audit_refusal(call, route.action, object_of(id), *call.failed);
  const std::string_view method = method_name(route.method);
  subjects_->desk.audit_refusal(call, "api.call", fmt::format("{} {}", method.substr(0, method.find(',')), route.path),
                                *call.failed);
}

net::Task<void> Portal::handle(const http::Request& request, http::Reply& reply) {
  if (!request.path.starts_with("/api/") && request.path != "/api") {
    send_page(request, reply);
    co_return;
  }
  Call call = call_of(request, reply);
  std::string allow;  // RFC 9110 section 15.5.6: a 405 names them
  for (const Route& route : routes()) {
    auto id = match(route.path, request.path);
    if (!id) continue;
    allow += fmt::format("{}{}", allow.empty() ? "Allow: " : ", ", method_name(route.method));
    const bool head = request.method == Method::head && route.method == Method::get;
    if (route.method != request.method && !head) continue;
    if (!call.visitor.may(route.access)) {
      refuse(call, route, *id);
      co_return;
    }
    if (request.method != Method::get && !head && !reply.from_owner() && from_elsewhere(request)) {
      call.fail(ApiError{Cause::forbidden, "This request came from another site's page."});
      if (!route.action.empty()) subjects_->desk.audit_refusal(call, route.action, object_of(*id), *call.failed);
      co_return;
    }
    if (!request.body.empty() && !request.header("content-type").starts_with("application/json")) {
      call.fail(ApiError{Cause::wrong_content_type, "The body must be JSON; send 'Content-Type: application/json'."});
      co_return;
    }
    call.id = std::move(*id);
    co_await route.handler(*subjects_, call);
    const bool refused =
        call.failed == Cause::forbidden || call.failed == Cause::not_found || call.failed == Cause::conflict;
    if (refused && !route.action.empty())
      subjects_->desk.audit_refusal(call, call.action.empty() ? route.action : call.action, object_of(call.id),
                                    *call.failed);
    co_return;
  }
  if (allow.empty())
    co_return call.fail(
        ApiError{Cause::not_found, "There is nothing at this address; /api/openapi.json lists what is."});
  gateway::send_error(reply, {Cause::method_not_allowed, "This address does not take that method."}, call.request_id,
                      allow + "\r\n");
}

// Of an address that anybody may send: only a model's id or what looks like another one.
std::string_view Portal::object_of(std::string_view id) const {
  return subjects_->desk.context.catalogue.has(id) ? id : id_or_nothing(id);
}

}  // namespace faelled::portal
