#include "portal/call.hpp"

#include <fmt/format.h>

#include "base/error_words.hpp"
#include "gateway/http_sink.hpp"

namespace faelled::portal {
namespace {

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

void Call::fail(const openai::ApiError& error) const {
  failed = error.cause;
  gateway::send_error(reply, error, request_id);
}

void Call::fail(const Error& error, std::string_view param) const {
  const openai::Cause cause = openai::cause_of(error.code);
  if (openai::row_of(cause).status >= 500) {
    log.error("a call failed", {{"request_id", request_id}, {"cause", error.message}});
    if (!visitor.owner && cause == openai::Cause::store_unavailable)
      return fail(openai::ApiError{
          cause, "The server cannot reach its data at the moment; nothing was changed. Try again soon."});
    if (!visitor.owner)
      return fail(openai::ApiError{cause, "The server cannot do this at the moment; try again soon."});
  }
  fail(openai::ApiError{cause, in_words(error), std::string(param.empty() ? error.field : param)});
}

}  // namespace faelled::portal
