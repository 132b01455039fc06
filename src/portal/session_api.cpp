#include "portal/session_api.hpp"

#include <fmt/format.h>

#include "base/time_text.hpp"
#include "json/writer.hpp"
#include "members/roles.hpp"
#include "portal/cookie.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

std::string session_json(const members::Session& session) {
  std::string body;
  json::Writer out(body);
  out.object();
  out.key("user").object().member("id", session.user.id).member("name", session.user.name).close_object();
  out.key("member")
      .object()
      .member("id", session.member.id)
      .member("name", session.member.name)
      .member_or_null("contact", session.member.contact)
      .close_object();
  out.member("role", members::name_of(session.user.role));
  const store::Policy& policy = session.member.policy;
  out.key("policy").object().member("conversations",
                                    policy.conversations == store::ConversationPlace::browser ? "browser" : "server");
  if (policy.retention_days) {
    out.member("retention_days", *policy.retention_days);
  } else {
    out.member("retention_days", nullptr);
  }
  out.close_object();
  out.member("expires_at", time_text(session.expires_at)).close_object();
  return body;
}

}  // namespace

net::Task<void> SessionApi::sign_in(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto token = fields->text("token");
  if (!token) co_return call.fail(token.error(), "token");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  const WallTime now = desk_.context.clock.wall();
  auto session = co_await answer_of<Expected<members::Session>>(
      [&](auto then) { desk_.directory.sign_in(*token, now, std::move(then)); });
  if (!session) {
    desk_.context.log.info("a sign-in link was refused",
                           {{"request_id", call.request_id}, {"peer", call.reply.peer()}});
    co_return call.fail(session.error());
  }
  const bool secure = public_url_.starts_with("https:");
  call.reply.send(200,
                  fmt::format("Content-Type: application/json\r\nCache-Control: no-store\r\nx-request-id: {}\r\n{}",
                              call.request_id, set_session_cookie(session->token, session->expires_at - now, secure)),
                  session_json(*session));
}

net::Task<void> SessionApi::get_session(Call& call) {
  call.json(200, session_json(*call.visitor.session));
  co_return;
}

net::Task<void> SessionApi::sign_out(Call& call) {
  const std::string token(session_cookie(call.request.header("cookie")));
  auto gone = co_await answer_of<Expected<void>>([&](auto then) { desk_.directory.sign_out(token, std::move(then)); });
  if (!gone) co_return call.fail(gone.error());
  call.reply.send(204,
                  fmt::format("Cache-Control: no-store\r\nx-request-id: {}\r\n{}", call.request_id,
                              set_session_cookie("", Duration{}, public_url_.starts_with("https:"))),
                  {});
}

}  // namespace faelled::portal
