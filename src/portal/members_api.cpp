#include "portal/members_api.hpp"

#include "json/writer.hpp"
#include "members/roles.hpp"
#include "portal/answers.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;
using store::ConversationPlace;
using store::KeyMakers;

// A number of days or null for none. nullopt: the field is not there.
Expected<std::optional<std::optional<std::uint32_t>>> days_of(json::Fields& fields, std::string_view name) {
  if (fields.says_null(name)) return std::optional(std::optional<std::uint32_t>());
  auto days = fields.maybe_integer(name, 1, limits::policy_days_max);
  if (!days) return std::unexpected(days.error());
  if (!*days) return std::nullopt;
  return std::optional(std::optional(static_cast<std::uint32_t>(**days)));
}

// One of `all` by its name; nullopt: the field is not there.
template <class T, std::size_t N>
Expected<std::optional<T>> choice_of(json::Fields& fields, std::string_view name, const std::array<T, N>& all) {
  auto text = fields.maybe_text(name);
  if (!text) return std::unexpected(text.error());
  if (!*text) return std::nullopt;
  if (const auto value = members::value_named(**text, all)) return value;
  std::string names;
  for (const T value : all) names += (names.empty() ? "" : ", ") + std::string(members::name_of(value));
  return fail(Errc::invalid, std::string(name) + " is one of " + names + ".");
}

bool reads_policy(const Call& call) {
  return call.visitor.over_all() || (call.visitor.session && call.visitor.session->member.id == call.id);
}

}  // namespace

net::Task<void> MembersApi::list_members(Call& call) {
  call.json(200, list_json("members", desk_.directory.members(), write_member));
  co_return;
}

net::Task<void> MembersApi::create_member(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto id = fields->maybe_text("id");
  auto name = fields->text("name");
  if (!id) co_return call.fail(id.error(), "id");
  if (!name) co_return call.fail(name.error(), "name");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  auto row = co_await answer_of<Expected<store::MemberRow>>([&](auto then) {
    desk_.directory.add_member(id->value_or(""), *name, call.act(desk_.context.clock.wall()), std::move(then));
  });
  if (!row) co_return call.fail(row.error());
  desk_.context.log.info("a member was made",
                         {{"request_id", call.request_id}, {"member", row->id}, {"peer", call.reply.peer()}});
  call.json(201, one_json([&](json::Writer& out) { write_member(out, *row); }));
}

net::Task<void> MembersApi::update_member(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  members::MemberChange change;
  auto name = fields->maybe_text("name");
  if (!name) co_return call.fail(name.error(), "name");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  change.name = *name;
  auto row = co_await answer_of<Expected<store::MemberRow>>([&](auto then) {
    desk_.directory.update_member(call.id, change, call.act(desk_.context.clock.wall()), std::move(then));
  });
  if (!row) co_return call.fail(row.error());
  call.json(200, one_json([&](json::Writer& out) { write_member(out, *row); }));
}

// Everybody may read what their own member has decided.
net::Task<void> MembersApi::get_policy(Call& call) {
  const auto member = desk_.directory.member(call.id);
  if (!member || !reads_policy(call)) co_return call.fail(ApiError{Cause::not_found, "There is no such member."});
  call.json(200, one_json([&](json::Writer& out) { write_policy(out, *member); }));
}

net::Task<void> MembersApi::update_policy(Call& call) {
  const auto member = desk_.directory.member(call.id);
  if (!member) co_return call.fail(ApiError{Cause::not_found, "There is no such member."});
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto models =
      desk_.models_of(*fields, "models", call.visitor, reads_policy(call) ? member->policy.models : store::ModelList());
  auto retention = days_of(*fields, "retention_days");
  auto place = choice_of(*fields, "conversations", std::array{ConversationPlace::server, ConversationPlace::browser});
  auto lifetime = days_of(*fields, "key_days_max");
  auto makers = choice_of(*fields, "key_makers", std::array{KeyMakers::all, KeyMakers::builders, KeyMakers::admins});
  const bool nobody = fields->says_null("contact");
  auto contact = fields->maybe_text("contact");
  if (!models) co_return call.fail(models.error());
  if (!retention) co_return call.fail(retention.error(), "retention_days");
  if (!place) co_return call.fail(place.error(), "conversations");
  if (!lifetime) co_return call.fail(lifetime.error(), "key_days_max");
  if (!makers) co_return call.fail(makers.error(), "key_makers");
  if (!contact) co_return call.fail(contact.error(), "contact");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  members::MemberChange change;
  change.contact = nobody ? std::optional<std::string>("") : *contact;
  change.policy.models = *models;
  change.policy.retention_days = *retention;
  change.policy.conversations = *place;
  change.policy.key_days_max = *lifetime;
  change.policy.key_makers = *makers;
  auto row = co_await answer_of<Expected<store::MemberRow>>([&](auto then) {
    desk_.directory.update_member(call.id, change, call.act(desk_.context.clock.wall()), std::move(then));
  });
  if (!row) co_return call.fail(row.error());
  desk_.context.log.info("a policy was changed",
                         {{"request_id", call.request_id}, {"member", call.id}, {"peer", call.reply.peer()}});
  call.json(200, one_json([&](json::Writer& out) { write_policy(out, *row); }));
}

}  // namespace faelled::portal
