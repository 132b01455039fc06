#include "portal/users_api.hpp"

#include <fmt/format.h>

#include "base/time_text.hpp"
#include "json/writer.hpp"
#include "members/rights.hpp"
#include "members/roles.hpp"
#include "portal/answers.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

constexpr std::size_t page_rows = 100;

ApiError no_role() {
  return {Cause::invalid_value, "role is one of user, builder, member_admin, auditor, operator", "role"};
}

}  // namespace

net::Task<void> UsersApi::list_users(Call& call) {
  if (auto ok = members::may_administer(call.visitor.actor({}), call.id); !ok) co_return call.fail(ok.error());
  if (!desk_.directory.member(call.id)) co_return call.fail(ApiError{Cause::not_found, "There is no such member."});
  const auto query = [&](std::string_view name) { return http::query_value(call.request.query, name); };
  const auto limit = limit_of(call.request.query, page_rows, limits::people_page_rows_max);
  if (!limit) co_return call.fail(limit.error(), "limit");
  const std::string role_text = query("role"), disabled = query("disabled"), wanted = folded(query("q"));
  const auto role = members::role_of(role_text);
  if (!role_text.empty() && !role) co_return call.fail(no_role());
  if (!disabled.empty() && disabled != "true" && disabled != "false")
    co_return call.fail(ApiError{Cause::invalid_value, "disabled is true or false", "disabled"});
  auto rows = desk_.directory.users(call.id);
  std::erase_if(rows, [&](const store::UserRow& row) {
    if (role && row.role != *role) return true;
    if (!disabled.empty() && row.disabled_at.has_value() != (disabled == "true")) return true;
    return !wanted.empty() && !folded(row.name).contains(wanted) && !folded(row.email).contains(wanted) &&
           folded(row.id) != wanted;
  });
  std::vector<std::pair<std::string, std::size_t>> order;
  for (std::size_t i = 0; i < rows.size(); ++i) order.emplace_back(folded(rows[i].name) + '\0' + rows[i].id, i);
  std::ranges::sort(order);
  std::vector<store::UserRow> sorted;
  sorted.reserve(rows.size());
  for (const auto& [name, at] : order) sorted.push_back(std::move(rows[at]));
  const auto page = page_of(std::move(sorted), query("after"), *limit);
  if (!page) co_return call.fail(page.error(), "after");
  call.json(200, page_json("users", *page, write_user));
}

net::Task<void> UsersApi::create_user(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto name = fields->text("name");
  auto email = fields->maybe_text("email");
  auto role_text = fields->maybe_text("role");
  if (!name) co_return call.fail(name.error(), "name");
  if (!email) co_return call.fail(email.error(), "email");
  if (!role_text) co_return call.fail(role_text.error(), "role");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  const auto role = members::role_of(role_text->value_or("user"));
  if (!role) co_return call.fail(no_role());
  members::NewUser user{*name, *role, email->value_or("")};
  auto row = co_await answer_of<Expected<store::UserRow>>([&](auto then) {
    desk_.directory.add_user(call.id, std::move(user), call.act(desk_.context.clock.wall()), std::move(then));
  });
  if (!row) co_return call.fail(row.error());
  desk_.context.log.info(
      "a user was made",
      {{"request_id", call.request_id}, {"user", row->id}, {"member", row->member}, {"peer", call.reply.peer()}});
  call.json(201, one_json([&](json::Writer& out) { write_user(out, *row); }));
}

net::Task<void> UsersApi::update_user(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto name = fields->maybe_text("name");
  const bool no_email = fields->says_null("email");
  auto email = fields->maybe_text("email");
  auto role_text = fields->maybe_text("role");
  auto disabled = fields->maybe_boolean("disabled");
  if (!name) co_return call.fail(name.error(), "name");
  if (!email) co_return call.fail(email.error(), "email");
  if (!role_text) co_return call.fail(role_text.error(), "role");
  if (!disabled) co_return call.fail(disabled.error(), "disabled");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  members::UserChange change{*name, no_email ? std::optional<std::string>("") : *email, {}, *disabled};
  if (*role_text) {
    change.role = members::role_of(**role_text);
    if (!change.role) co_return call.fail(no_role());
  }
  auto row = co_await answer_of<Expected<store::UserRow>>([&](auto then) {
    desk_.directory.update_user(call.id, std::move(change), call.act(desk_.context.clock.wall()), std::move(then));
  });
  if (!row) co_return call.fail(row.error());
  if (row->disabled_at) turns_.cut_off_disabled(row->id);
  desk_.context.log.info("a user was changed",
                         {{"request_id", call.request_id}, {"user", row->id}, {"peer", call.reply.peer()}});
  call.json(200, one_json([&](json::Writer& out) { write_user(out, *row); }));
}

net::Task<void> UsersApi::create_sign_in_link(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto user = fields->text("user");
  if (!user) co_return call.fail(user.error(), "user");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  call.id = *user;
  auto link = co_await answer_of<Expected<members::SignInLink>>([&](auto then) {
    desk_.directory.add_sign_in_link(*user, call.act(desk_.context.clock.wall()), std::move(then));
  });
  if (!link) co_return call.fail(link.error());
  desk_.context.log.info("a sign-in link was made",
                         {{"request_id", call.request_id}, {"user", *user}, {"peer", call.reply.peer()}});
  call.json(201, one_json([&](json::Writer& out) {
              out.object()
                  .member("url", fmt::format("{}/sign-in#{}", public_url_, link->token))
                  .member("expires_at", time_text(link->expires_at))
                  .close_object();
            }));
}

}  // namespace faelled::portal
