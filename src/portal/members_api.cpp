#include <fmt/format.h>

#include "json/writer.hpp"
#include "portal/portal.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

template <class Rows, class Write>
std::string list_json(std::string_view name, const Rows& rows, Write write) {
  std::string body;
  json::Writer out(body);
  out.object().key(name).array();
  for (const auto& row : rows) write(out, row);
  out.close_array().close_object();
  return body;
}

template <class Write>
std::string one_json(Write write) {
  std::string body;
  json::Writer out(body);
  write(out);
  return body;
}

}  // namespace

net::Task<void> Portal::list_members(Call& call) {
  call.json(200, list_json("members", p_.directory.members(), write_member));
  co_return;
}

net::Task<void> Portal::create_member(Call& call) {
  auto fields = body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto id = fields->maybe_text("id");
  auto name = fields->text("name");
  if (!id) co_return call.fail(id.error(), "id");
  if (!name) co_return call.fail(name.error(), "name");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  auto row = co_await answer_of<Expected<store::MemberRow>>(
      [&](auto then) { p_.directory.add_member(id->value_or(""), *name, p_.context.clock.wall(), std::move(then)); });
  if (!row) co_return call.fail(row.error());
  p_.context.log.info("a member was made",
                      {{"request_id", call.request_id}, {"member", row->id}, {"peer", call.reply.peer()}});
  call.json(201, one_json([&](json::Writer& out) { write_member(out, *row); }));
}

net::Task<void> Portal::list_users(Call& call) {
  if (!p_.directory.member(call.id)) co_return call.fail(ApiError{Cause::not_found, "There is no such member."});
  call.json(200, list_json("users", p_.directory.users(call.id), write_user));
}

net::Task<void> Portal::create_user(Call& call) {
  auto fields = body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto name = fields->text("name");
  if (!name) co_return call.fail(name.error(), "name");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  auto row = co_await answer_of<Expected<store::UserRow>>(
      [&](auto then) { p_.directory.add_user(call.id, *name, p_.context.clock.wall(), std::move(then)); });
  if (!row) co_return call.fail(row.error());
  p_.context.log.info(
      "a user was made",
      {{"request_id", call.request_id}, {"user", row->id}, {"member", row->member}, {"peer", call.reply.peer()}});
  call.json(201, one_json([&](json::Writer& out) { write_user(out, *row); }));
}

// A person sees and revokes their own keys; the operator all.
net::Task<void> Portal::list_keys(Call& call) {
  auto keys = p_.directory.keys();
  if (!call.visitor.owner)
    std::erase_if(keys, [&](const store::KeyRow& key) { return key.user != call.visitor.session->user.id; });
  call.json(200, list_json("keys", keys, [](json::Writer& out, const store::KeyRow& row) { write_key(out, row, {}); }));
  co_return;
}

net::Task<void> Portal::create_key(Call& call) {
  auto fields = body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto member = fields->maybe_text("member");
  auto user = fields->maybe_text("user");
  auto name = fields->text("name");
  auto expires = fields->maybe_text("expires_at");
  if (!member) co_return call.fail(member.error(), "member");
  if (!user) co_return call.fail(user.error(), "user");
  if (!name) co_return call.fail(name.error(), "name");
  if (!expires) co_return call.fail(expires.error(), "expires_at");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  std::optional<WallTime> expires_at;
  if (*expires) {
    auto time = parse_time(**expires);
    if (!time)
      co_return call.fail(
          ApiError{Cause::invalid_value, time.error().message + "; " + time.error().hint, "expires_at"});
    expires_at = *time;
  }
  std::string for_member = member->value_or("");
  std::string for_user = user->value_or("");
  if (!call.visitor.owner) {
    const members::Session& session = *call.visitor.session;
    if ((!for_member.empty() && for_member != session.member.id) || (!for_user.empty() && for_user != session.user.id))
      co_return call.fail(ApiError{Cause::forbidden, "You can make keys for yourself only."});
    for_member = session.member.id;
    for_user = session.user.id;
  }
  if (for_member.empty())
    co_return call.fail(ApiError{Cause::missing_value, "Say which member the key is for.", "member"});
  auto made = co_await answer_of<Expected<members::NewKey>>([&](auto then) {
    p_.directory.add_key(for_member, for_user, *name, expires_at, p_.context.clock.wall(), std::move(then));
  });
  if (!made) co_return call.fail(made.error());
  p_.context.log.info("a key was made", {{"request_id", call.request_id},
                                         {"key", made->row.id},
                                         {"member", made->row.member},
                                         {"peer", call.reply.peer()}});
  call.json(201, one_json([&](json::Writer& out) { write_key(out, made->row, made->secret); }));
}

net::Task<void> Portal::revoke_key(Call& call) {
  const auto key = p_.directory.key(call.id);
  const bool mine = key && (call.visitor.owner || key->user == call.visitor.session->user.id);
  if (!mine) co_return call.fail(ApiError{Cause::not_found, "There is no such key."});
  auto row = co_await answer_of<Expected<store::KeyRow>>(
      [&](auto then) { p_.directory.revoke_key(call.id, p_.context.clock.wall(), std::move(then)); });
  if (!row) co_return call.fail(row.error());
  p_.context.log.info("a key was revoked",
                      {{"request_id", call.request_id}, {"key", call.id}, {"peer", call.reply.peer()}});
  call.none();
}

net::Task<void> Portal::create_sign_in_link(Call& call) {
  auto fields = body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto user = fields->text("user");
  if (!user) co_return call.fail(user.error(), "user");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  auto link = co_await answer_of<Expected<members::SignInLink>>(
      [&](auto then) { p_.directory.add_sign_in_link(*user, p_.context.clock.wall(), std::move(then)); });
  if (!link) co_return call.fail(link.error());
  p_.context.log.info("a sign-in link was made",
                      {{"request_id", call.request_id}, {"user", *user}, {"peer", call.reply.peer()}});
  call.json(201, one_json([&](json::Writer& out) {
              out.object()
                  .member("url", fmt::format("{}/sign-in#{}", p_.public_url, link->token))
                  .member("expires_at", time_text(link->expires_at))
                  .close_object();
            }));
}

}  // namespace faelled::portal
