#include "base/time_text.hpp"
#include "json/writer.hpp"
#include "key_import/plan.hpp"
#include "portal/keys_api.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using key_import::OldKey;
using key_import::Verdict;
using Names = std::map<std::string, std::string>;

constexpr auto verdicts = {Verdict::add, Verdict::add_blocked, Verdict::here, Verdict::left_out, Verdict::bad};

Expected<OldKey> read_key(json::Value value, std::string path) {
  auto fields = json::Fields::of(value, std::move(path));
  if (!fields) return std::unexpected(fields.error());
  OldKey key;
  auto line = fields->integer("line", 1, std::numeric_limits<std::int32_t>::max());
  auto hash = fields->text("hash");
  auto name = fields->text("name");
  auto member = fields->maybe_text("member"), team = fields->maybe_text("team"), user = fields->maybe_text("user"),
       email = fields->maybe_text("email"), expires = fields->maybe_text("expires_at");
  auto blocked = fields->maybe_boolean("blocked");
  for (const auto* text : {&member, &team, &user, &email, &expires})
    if (!*text) return std::unexpected(text->error());
  if (!line) return std::unexpected(line.error());
  if (!hash) return std::unexpected(hash.error());
  if (!name) return std::unexpected(name.error());
  if (!blocked) return std::unexpected(blocked.error());
  if (auto all = fields->finish(); !all) return std::unexpected(all.error());
  const auto digest = crypto::from_hex(*hash);
  if (!digest) return fail(Errc::invalid, fields->path_of("hash") + " is no SHA-256", "64 hexadecimal digits");
  key.line = static_cast<std::size_t>(*line);
  key.hash = *digest;
  key.name = std::move(*name);
  key.member = member->value_or("");
  key.team = team->value_or("");
  key.user = user->value_or("");
  key.email = email->value_or("");
  key.blocked = blocked->value_or(false);
  if (*expires) {
    auto time = parse_time(**expires);
    if (!time) return std::unexpected(time.error());
    key.expires_at = *time;
  }
  return key;
}

void write_plan(json::Writer& out, const key_import::Plan& plan, bool applied) {
  out.object().member("applied", applied).key("counts").object();
  for (const Verdict verdict : verdicts) out.member(key_import::name_of(verdict), plan.count(verdict));
  out.close_object().key("keys").array();
  for (const key_import::Planned& key : plan.keys) {
    out.object()
        .member("line", key.line)
        .member("name", key.name)
        .member_or_null("member", key.member)
        .member_or_null("user", key.user)
        .member("verdict", key_import::name_of(key.verdict))
        .member_or_null("why", key.why)
        .close_object();
  }
  out.close_array().close_object();
}

}  // namespace

net::Task<void> KeysApi::import_keys(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto apply = fields->boolean("apply");
  auto list = fields->array("keys");
  auto default_member = fields->maybe_text("default_member");
  auto teams = fields->maybe_texts("teams");
  auto users = fields->maybe_texts("users");
  if (!apply) co_return call.fail(apply.error(), "apply");
  if (!list) co_return call.fail(list.error(), "keys");
  if (!default_member) co_return call.fail(default_member.error(), "default_member");
  if (!teams) co_return call.fail(teams.error(), "teams");
  if (!users) co_return call.fail(users.error(), "users");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (list->count() > limits::key_import_rows_max)
    co_return call.fail(Error{Errc::too_large, "there are more than 20000 keys", "import them in parts"}, "keys");
  std::vector<OldKey> keys;
  for (const json::Value item : list->items()) {
    auto key = read_key(item, "keys[" + std::to_string(keys.size()) + "]");
    if (!key) co_return call.fail(key.error(), "keys");
    keys.push_back(std::move(*key));
  }
  const key_import::Mapping mapping{teams->value_or(Names()), users->value_or(Names()), default_member->value_or("")};
  const auto members = desk_.directory.members();
  const auto known_users = desk_.directory.users({});
  const auto known_keys = desk_.directory.keys();
  key_import::Plan plan =
      key_import::plan_import(keys, mapping, {members, known_users, known_keys}, desk_.context.clock.wall());
  const bool bad = plan.count(Verdict::bad) > 0;
  if (*apply && !bad && !plan.new_keys.empty()) {
    auto done = co_await answer_of<Expected<void>>([&](auto then) {
      desk_.directory.take_in(plan.new_users, plan.new_keys, call.act(desk_.context.clock.wall()), std::move(then));
    });
    if (!done) co_return call.fail(done.error());
    desk_.context.log.info("keys were imported", {{"request_id", call.request_id},
                                                  {"keys", plan.new_keys.size()},
                                                  {"users", plan.new_users.size()},
                                                  {"peer", call.reply.peer()}});
  }
  std::string body;
  json::Writer out(body);
  write_plan(out, plan, *apply && !bad);
  call.json(200, body);
}

}  // namespace faelled::portal
