#include "portal/portal.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/http_sink.hpp"
#include "gateway/paths.hpp"
#include "portal/cookie.hpp"
#include "portal/pages.hpp"

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

Who who_of(store::Role role) {
  switch (role) {
    case store::Role::user:
      return Who::user;
    case store::Role::builder:
      return Who::builder;
    case store::Role::member_admin:
      return Who::member_admin;
    case store::Role::auditor:
      return Who::auditor;
    case store::Role::operator_:
      break;
  }
  return Who::operator_;
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

bool Visitor::may(Access access) const {
  return access.open() || (owner && access.has(Who::owner)) || (key && access.has(Who::key)) ||
         (session && access.has(who_of(session->user.role)));
}

members::Actor Visitor::actor(std::string peer) const {
  members::Actor actor;
  actor.peer = std::move(peer);
  if (owner) {
    actor.kind = store::ActorKind::owner;
  } else if (session) {
    actor.kind = store::ActorKind::user;
    actor.id = session->user.id;
    actor.member = session->member.id;
    actor.role = session->user.role;
  } else if (key) {
    actor.kind = store::ActorKind::key;
    actor.id = key->key;
    actor.member = key->member;
  }
  return actor;
}

std::optional<members::Caller> Visitor::caller() const {
  if (session) return members::Caller{session->member.id, session->user.id, {}, session->user.id};
  return key;
}

void Call::json(int status, std::string_view body) const {
  reply.send(
      status,
      fmt::format("Content-Type: application/json\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
                  "x-request-id: {}\r\n",
                  request_id),
      body);
}

void Call::none() const {
  reply.send(204, fmt::format("Cache-Control: no-store\r\nx-request-id: {}\r\n", request_id), {});
}

void Call::csv(std::string_view text, std::string_view file, std::string_view next) const {
  std::string headers = fmt::format(
      "Content-Type: text/csv; charset=utf-8\r\nContent-Disposition: attachment; filename=\"{}\"\r\n"
      "Cache-Control: no-store\r\nx-request-id: {}\r\n",
      file, request_id);
  if (!next.empty()) headers += fmt::format("x-next: {}\r\n", next);
  reply.send(200, headers, text);
}

void Call::fail(const ApiError& error) const {
  failed = error.cause;
  gateway::send_error(reply, error, request_id);
}

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
  fail(ApiError{cause, std::move(message), std::string(param.empty() ? error.field : param)});
}

Portal::Portal(Parts parts)
    : p_(std::move(parts)),
      watch_(std::move(p_.facts), p_.context),
      places_(p_.settings.turn_places),
      eraser_(p_.context.loop, [this] { p_.context.loop.spawn(erase_deleted()); }),
      aside_(p_.context.loop) {
  eraser_.arm(p_.settings.erase_every);
}

std::span<const Portal::Route> Portal::routes() {
  static constexpr Route all[] = {
      {Method::post, "/api/session", access::anybody, &Portal::sign_in},
      {Method::get, "/api/session", access::people, &Portal::get_session},
      {Method::del, "/api/session", access::people, &Portal::sign_out},
      {Method::get, "/api/models", access::callers, &Portal::list_models},
      {Method::get, "/api/catalogue", access::operators, &Portal::list_catalogue},
      {Method::post, "/api/catalogue", access::operators, &Portal::add_model, "model.add"},
      {Method::get, "/api/catalogue/{id}", access::operators, &Portal::get_model},
      {Method::put, "/api/catalogue/{id}", access::operators, &Portal::change_model, "model.change"},
      {Method::del, "/api/catalogue/{id}", access::operators, &Portal::remove_model, "model.remove"},
      {Method::post, "/api/catalogue/{id}/fetch", access::operators, &Portal::fetch_model, "model.fetch"},
      {Method::get, "/api/aliases", access::operators, &Portal::list_aliases},
      {Method::put, "/api/aliases/{id}", access::operators, &Portal::put_alias, "alias.move"},
      {Method::post, "/api/aliases/{id}/rollback", access::operators, &Portal::roll_back_alias, "alias.rollback"},
      {Method::del, "/api/aliases/{id}", access::operators, &Portal::remove_alias, "alias.remove"},
      {Method::get, "/api/residency", access::operators, &Portal::get_residency, "residency.read"},
      {Method::get, "/api/residency/events", access::operators, &Portal::list_residency_events, "residency.read"},
      {Method::post, "/api/models/{id}/residency", access::operators, &Portal::order_residency, "model.residency"},
      {Method::get, "/api/conversations", access::chat, &Portal::list_conversations},
      {Method::post, "/api/conversations", access::chat, &Portal::create_conversation},
      {Method::get, "/api/conversations/{id}", access::chat, &Portal::get_conversation},
      {Method::del, "/api/conversations", access::chat, &Portal::delete_everything, "user.delete_words"},
      {Method::patch, "/api/conversations/{id}", access::chat, &Portal::change_conversation},
      {Method::del, "/api/conversations/{id}", access::chat, &Portal::delete_conversation},
      {Method::post, "/api/conversations/{id}/restore", access::chat, &Portal::restore_conversation},
      {Method::post, "/api/conversations/{id}/ratings", access::chat, &Portal::rate_answer},
      {Method::get, "/api/deleted", access::chat, &Portal::list_deleted},
      {Method::post, "/api/deleted/restore", access::chat, &Portal::restore_everything, "user.restore_words"},
      {Method::post, "/api/search", access::chat, &Portal::search},
      {Method::get, "/api/ratings", access::member_admins, &Portal::list_ratings, "rating.list"},
      {Method::get, "/api/export", access::chat, &Portal::export_everything, "user.export"},
      {Method::post, "/api/conversations/{id}/turns", access::chat, &Portal::start_turn},
      {Method::post, "/api/turns", access::chat, &Portal::start_loose_turn},
      {Method::get, "/api/turns/{id}/events", access::chat, &Portal::watch_turn},
      {Method::del, "/api/turns/{id}", access::chat, &Portal::stop_turn},
      {Method::get, "/api/usage", access::callers, &Portal::get_usage, "usage.read"},
      {Method::get, "/api/tickets/{id}", access::callers, &Portal::get_ticket},
      {Method::get, "/api/share", access::callers, &Portal::get_share},
      {Method::get, "/api/shares", access::operators, &Portal::list_shares, "share.list"},
      {Method::post, "/api/shares/check", access::operators, &Portal::check_shares, "share.check"},
      {Method::post, "/api/what-if", access::operators, &Portal::what_if},
      {Method::get, "/api/audit", access::readers, &Portal::get_audit, "audit.read"},
      {Method::get, "/api/members", access::operators, &Portal::list_members, "member.list"},
      {Method::post, "/api/members", access::operators, &Portal::create_member, "member.create"},
      {Method::patch, "/api/members/{id}", access::operators, &Portal::update_member, "member.update"},
      {Method::get, "/api/members/{id}/policy", access::policy_readers, &Portal::get_policy, "member.read"},
      {Method::patch, "/api/members/{id}/policy", access::admins, &Portal::update_policy, "member.update"},
      {Method::get, "/api/agreements", access::readers, &Portal::list_agreements, "agreement.read"},
      {Method::post, "/api/agreements", access::operators, &Portal::change_agreements, "agreement.change"},
      {Method::post, "/api/agreements/plan", access::operators, &Portal::plan_agreements, "agreement.plan"},
      {Method::get, "/api/agreements/history", access::readers, &Portal::get_agreement_history, "agreement.read"},
      {Method::get, "/api/agreements/sums", access::sum_readers, &Portal::sum_agreements, "agreement.sums"},
      {Method::get, "/api/promise", access::people, &Portal::get_promise},
      {Method::get, "/api/tiers", access::operators, &Portal::list_tiers, "tier.list"},
      {Method::post, "/api/tiers", access::operators, &Portal::set_tier, "tier.update"},
      {Method::del, "/api/tiers/{id}", access::operators, &Portal::remove_tier, "tier.remove"},
      {Method::get, "/api/members/{id}/users", access::admins, &Portal::list_users, "user.list"},
      {Method::post, "/api/members/{id}/users", access::admins, &Portal::create_user, "user.create"},
      {Method::patch, "/api/users/{id}", access::admins, &Portal::update_user, "user.update"},
      {Method::get, "/api/keys", access::key_makers, &Portal::list_keys, "key.list"},
      {Method::post, "/api/keys", access::key_makers, &Portal::create_key, "key.create"},
      {Method::patch, "/api/keys/{id}", access::key_makers, &Portal::update_key, "key.update"},
      {Method::post, "/api/keys/{id}/rotate", access::key_makers, &Portal::rotate_key, "key.rotate"},
      {Method::del, "/api/keys/{id}", access::key_makers, &Portal::revoke_key, "key.revoke"},
      {Method::post, "/api/keys/import", access::operators, &Portal::import_keys, "key.import"},
      {Method::get, "/api/front-ends", access::operators, &Portal::list_front_ends, "front_end.list"},
      {Method::post, "/api/front-ends/test", access::operators, &Portal::test_front_end, "front_end.test"},
      {Method::post, "/api/sign-in-links", access::admins, &Portal::create_sign_in_link, "user.sign_in_link"},
      {Method::get, "/api/status", access::anybody, &Portal::get_status},
      {Method::get, "/api/maintenance", access::operators, &Portal::get_maintenance, "maintenance.read"},
      {Method::patch, "/api/maintenance", access::operators, &Portal::update_maintenance, "maintenance.update"},
      {Method::post, "/api/notices", access::operators, &Portal::create_notice, "notice.create"},
      {Method::patch, "/api/notices/{id}", access::operators, &Portal::update_notice, "notice.update"},
      {Method::del, "/api/notices/{id}", access::operators, &Portal::delete_notice, "notice.delete"},
      {Method::get, "/api/engine-log", access::operators, &Portal::get_engine_log, "engine_log.read"},
      {Method::get, "/api/openapi.json", access::anybody, &Portal::description},
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

bool Portal::admit(const http::Request& head, http::Reply& reply) {
  for (const Route& route : routes()) {
    const auto id = match(route.path, head.path);
    if (route.method != head.method || !id) continue;
    Call call{head, reply, p_.gateway.new_request_id(), visitor_of(head, reply), p_.context.log, {}};
    if (call.visitor.may(route.access)) return true;
    refuse(call, route, *id);
    return false;
  }
  return true;
}

void Portal::refuse(Call& call, const Route& route, const std::string& id) {
  call.fail(denied(route.access, call.visitor));
  if (!route.action.empty()) return audit_refusal(call, route.action, object_of(id), *call.failed);
  const std::string_view method = method_name(route.method);
  audit_refusal(call, "api.call", fmt::format("{} {}", method.substr(0, method.find(',')), route.path), *call.failed);
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
    if (!call.visitor.may(route.access)) {
      refuse(call, route, *id);
      co_return;
    }
    if (request.method != Method::get && !head && !reply.from_owner() && from_elsewhere(request)) {
      call.fail(ApiError{Cause::forbidden, "This request came from another site's page."});
      if (!route.action.empty()) audit_refusal(call, route.action, object_of(*id), *call.failed);
      co_return;
    }
    if (!request.body.empty() && !request.header("content-type").starts_with("application/json")) {
      call.fail(ApiError{Cause::wrong_content_type, "The body must be JSON; send 'Content-Type: application/json'."});
      co_return;
    }
    call.id = std::move(*id);
    co_await (this->*route.handler)(call);
    const bool refused =
        call.failed == Cause::forbidden || call.failed == Cause::not_found || call.failed == Cause::conflict;
    if (refused && !route.action.empty())
      audit_refusal(call, call.action.empty() ? route.action : call.action, object_of(call.id), *call.failed);
    co_return;
  }
  if (allow.empty())
    co_return call.fail(
        ApiError{Cause::not_found, "There is nothing at this address; /api/openapi.json lists what is."});
  gateway::send_error(reply, {Cause::method_not_allowed, "This address does not take that method."}, call.request_id,
                      allow + "\r\n");
}

// Only of those who are known: what nobody in particular tried stands in the log.
void Portal::audit_refusal(const Call& call, std::string_view action, std::string_view object, Cause cause) {
  if (!call.visitor.owner && !call.visitor.session && !call.visitor.key) return;
  const char* code = openai::row_of(cause).code;
  p_.directory.audit().refused(call.act(p_.context.clock.wall()), action, {std::string(object), {}},
                               code != nullptr ? code : "refused");
}

// Of an address that anybody may send: only a model's id or what looks like another one.
std::string_view Portal::object_of(std::string_view id) const {
  return p_.context.catalogue.has(id) ? id : id_or_nothing(id);
}

// An adapter that is for some members is for nobody else, whatever they may see besides: only the owner of the machine
// asks as no member.
bool Portal::offers(const Visitor& visitor, std::string_view model) const {
  const auto asked = asked_by_id(model);
  return asked.model != nullptr && offers(visitor, asked);
}

bool Portal::offers(const Visitor& visitor, const gateway::Catalogue::Asked& asked, bool beyond_policy) const {
  const auto caller = visitor.caller();
  return !caller || (asked.is_for(caller->member) && allows(visitor, asked.id(), beyond_policy));
}

bool Portal::allows(const Visitor& visitor, std::string_view id, bool beyond_policy) const {
  const auto caller = visitor.caller();
  if (!caller || visitor.over_all()) return true;
  const WallTime now = p_.context.clock.wall();
  return beyond_policy ? p_.directory.agreements().allows(caller->member, id, now)
                       : p_.directory.allows(*caller, id, now);
}

gateway::Catalogue::Asked Portal::asked_by_id(std::string_view id) const {
  const auto asked = p_.context.catalogue.asked(id);
  return asked.model != nullptr && asked.id() == id ? asked : gateway::Catalogue::Asked{};
}

std::expected<std::optional<store::ModelList>, ApiError> Portal::models_of(json::Fields& fields, std::string_view name,
                                                                           const Visitor& visitor) const {
  const auto caller = visitor.caller();
  const auto there = [&](const std::string& id) {
    const auto asked = asked_by_id(id);
    return asked.model != nullptr && (!caller || visitor.over_all() || asked.is_for(caller->member));
  };
  if (fields.says_null(name)) return std::optional(store::ModelList());
  auto given = fields.maybe_array(name);
  if (!given) return std::unexpected(ApiError{Cause::invalid_value, given.error().message, std::string(name)});
  if (!*given) return std::nullopt;
  std::vector<std::string> ids;
  for (const json::Value item : (**given).items()) {
    const auto id = item.text();
    // A list may outlive a model that stands in it.
    const bool was = id && p_.keeping != nullptr && p_.keeping->last_version(*id) > 0;
    if (!id || (!there(*id) && !was))
      return std::unexpected(ApiError{Cause::invalid_value,
                                      fmt::format("there is no model '{}'; GET /api/models names those that are",
                                                  id ? id->substr(0, 100) : std::string(item.raw().substr(0, 100))),
                                      std::string(name)});
    if (std::ranges::find(ids, *id) == ids.end()) ids.push_back(*id);
  }
  return std::optional(store::ModelList(std::move(ids)));
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
