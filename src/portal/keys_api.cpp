#include "portal/keys_api.hpp"

#include <fmt/format.h>

#include "front_ends/front_ends.hpp"
#include "json/writer.hpp"
#include "members/rights.hpp"
#include "members/roles.hpp"
#include "portal/answers.hpp"
#include "portal/render.hpp"
#include "portal/times.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;
using store::KeyRow;
using store::ShowWaiting;

constexpr std::size_t page_rows = 100;

std::expected<std::optional<ShowWaiting>, ApiError> show_waiting_of(json::Fields& fields) {
  auto text = fields.maybe_text("show_waiting");
  if (!text) return std::unexpected(ApiError{Cause::invalid_value, text.error().message, "show_waiting"});
  if (!*text) return std::nullopt;
  const auto value = members::value_named(**text, std::array{ShowWaiting::off, ShowWaiting::da, ShowWaiting::en});
  if (!value) return std::unexpected(ApiError{Cause::invalid_value, "show_waiting is off, da or en", "show_waiting"});
  return value;
}

}  // namespace

// People see their own keys, builders those of the member's systems too, administrators all of the member, operators
// all.
net::Task<void> KeysApi::list_keys(Call& call) {
  const auto query = [&](std::string_view name) { return http::query_value(call.request.query, name); };
  const auto limit = limit_of(call.request.query, page_rows, limits::people_page_rows_max);
  if (!limit) co_return call.fail(limit.error(), "limit");
  const members::Actor actor = call.visitor.actor({});
  std::string user = query("user");
  if (user == "me") user = call.visitor.session ? call.visitor.session->user.id : "";
  const std::string of = query("of"), wanted = folded(query("q"));
  if (!of.empty() && of != "people" && of != "systems")
    co_return call.fail(ApiError{Cause::invalid_value, "of is people or systems", "of"});
  auto rows = desk_.directory.keys(call.visitor.over_all() ? query("member") : call.visitor.session->member.id);
  std::erase_if(rows, [&](const KeyRow& row) {
    if (!members::sees_key(actor, row)) return true;
    if (!user.empty() && row.user != user) return true;
    if (!of.empty() && row.user.empty() != (of == "systems")) return true;
    return !wanted.empty() && !folded(row.name).contains(wanted) && folded(row.id) != wanted;
  });
  std::ranges::sort(rows, std::greater(), &KeyRow::id);  // newest first: ids begin with their time
  const auto page = page_of(std::move(rows), query("after"), *limit);
  if (!page) co_return call.fail(page.error(), "after");
  call.json(200, page_json("keys", *page, [this](json::Writer& out, const KeyRow& row) {
              const auto user = row.user.empty() ? std::nullopt : desk_.directory.user(row.user);
              write_key(out, row, {}, user ? user->name : "");
            }));
}

net::Task<void> KeysApi::create_key(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto member = fields->maybe_text("member");
  auto user = fields->maybe_text("user");
  auto system = fields->maybe_boolean("system");
  auto name = fields->text("name");
  auto expires = time_of(*fields, "expires_at");
  auto models = desk_.models_of(*fields, "models", call.visitor);
  auto show = show_waiting_of(*fields);
  if (!member) co_return call.fail(member.error(), "member");
  if (!user) co_return call.fail(user.error(), "user");
  if (!system) co_return call.fail(system.error(), "system");
  if (!name) co_return call.fail(name.error(), "name");
  if (!expires) co_return call.fail(expires.error());
  if (!models) co_return call.fail(models.error());
  if (!show) co_return call.fail(show.error());
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  members::KeyWish wish;
  wish.member = member->value_or("");
  wish.user = user->value_or("");
  wish.name = *name;
  wish.expires_at = expires->value_or(std::nullopt);
  wish.models = models->value_or(std::nullopt);
  wish.show_waiting = show->value_or(ShowWaiting::off);
  const bool for_system = system->value_or(false);
  if (for_system && !wish.user.empty())
    co_return call.fail(ApiError{Cause::invalid_value, "a system's key has no user", "user"});
  if (!call.visitor.over_all()) {
    const members::Session& session = *call.visitor.session;
    if (!wish.member.empty() && wish.member != session.member.id)
      co_return call.fail(ApiError{Cause::forbidden, "You can make keys for your own organisation only."});
    wish.member = session.member.id;
    if (wish.user.empty() && !for_system) wish.user = session.user.id;
  }
  if (wish.member.empty())
    co_return call.fail(ApiError{Cause::missing_value, "Say which member the key is for.", "member"});
  auto made = co_await answer_of<Expected<members::NewKey>>([&](auto then) {
    desk_.directory.add_key(std::move(wish), call.act(desk_.context.clock.wall()), std::move(then));
  });
  if (!made) co_return call.fail(made.error());
  desk_.context.log.info("a key was made", {{"request_id", call.request_id},
                                            {"key", made->row.id},
                                            {"member", made->row.member},
                                            {"peer", call.reply.peer()}});
  call.json(201, one_json([&](json::Writer& out) { write_key(out, made->row, made->secret); }));
}

// Why this key keeps its name; nothing: it may have another.
std::optional<ApiError> KeysApi::renames_front_end(const Call& call, const std::string& name) const {
  const auto key = front_ends_ != nullptr ? desk_.directory.key(call.id) : std::nullopt;
  if (!key || key->name == name || !members::sees_key(call.visitor.actor({}), *key)) return std::nullopt;
  const front_ends::FrontEnd* front_end = front_ends_->of_key(*key);
  if (front_end == nullptr) return std::nullopt;
  return ApiError{Cause::conflict,
                  fmt::format("The front end '{}' is known by this key's name; change it under front_ends in the "
                              "configuration first.",
                              front_end->name),
                  "name",
                  {},
                  fmt::format("Frontenden '{}' kendes på nøglens navn. Ret det først under front_ends i "
                              "konfigurationen.",
                              front_end->name)};
}

net::Task<void> KeysApi::update_key(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  const auto before = desk_.directory.key(call.id);
  const bool seen = before && members::sees_key(call.visitor.actor({}), *before);
  auto name = fields->maybe_text("name");
  auto expires = time_of(*fields, "expires_at");
  auto models = desk_.models_of(*fields, "models", call.visitor, seen ? before->models : store::ModelList());
  auto show = show_waiting_of(*fields);
  if (!name) co_return call.fail(name.error(), "name");
  if (!expires) co_return call.fail(expires.error());
  if (!models) co_return call.fail(models.error());
  if (!show) co_return call.fail(show.error());
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (const auto why = *name ? renames_front_end(call, **name) : std::nullopt) co_return call.fail(*why);
  members::KeyChange change{*name, *models, *show, *expires};
  auto row = co_await answer_of<Expected<KeyRow>>([&](auto then) {
    desk_.directory.update_key(call.id, std::move(change), call.act(desk_.context.clock.wall()), std::move(then));
  });
  if (!row) co_return call.fail(row.error());
  desk_.context.log.info("a key was changed",
                         {{"request_id", call.request_id}, {"key", call.id}, {"peer", call.reply.peer()}});
  call.json(200, one_json([&](json::Writer& out) { write_key(out, *row, {}); }));
}

net::Task<void> KeysApi::rotate_key(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto until = time_of(*fields, "old_works_until");
  auto expires = time_of(*fields, "expires_at");
  if (!until) co_return call.fail(until.error());
  if (!expires) co_return call.fail(expires.error());
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  const WallTime now = desk_.context.clock.wall();
  const WallTime old_until = until->value_or(std::nullopt).value_or(now + limits::key_overlap_default);
  auto made = co_await answer_of<Expected<members::NewKey>>([&](auto then) {
    desk_.directory.rotate_key(call.id, old_until, expires->value_or(std::nullopt), call.act(now), std::move(then));
  });
  if (!made) co_return call.fail(made.error());
  desk_.context.log.info(
      "a key was rotated",
      {{"request_id", call.request_id}, {"key", call.id}, {"by", made->row.id}, {"peer", call.reply.peer()}});
  call.json(201, one_json([&](json::Writer& out) { write_key(out, made->row, made->secret); }));
}

net::Task<void> KeysApi::revoke_key(Call& call) {
  auto row = co_await answer_of<Expected<KeyRow>>(
      [&](auto then) { desk_.directory.revoke_key(call.id, call.act(desk_.context.clock.wall()), std::move(then)); });
  if (!row) co_return call.fail(row.error());
  desk_.context.log.info("a key was revoked",
                         {{"request_id", call.request_id}, {"key", call.id}, {"peer", call.reply.peer()}});
  call.none();
}

}  // namespace faelled::portal
