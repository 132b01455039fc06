#include "portal/aliases_api.hpp"

#include <fmt/format.h>

#include <limits>

#include "base/error_words.hpp"
#include "base/limits.hpp"
#include "base/plain_name.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"
#include "portal/alias_keeping.hpp"
#include "portal/answers.hpp"

namespace faelled::portal {
namespace {

using gateway::MovingAlias;
using openai::ApiError;
using openai::Cause;

constexpr std::size_t owner_bytes_max = 200;

void write_alias(json::Writer& out, const MovingAlias& alias) {
  out.object().member("name", alias.name).member("version", alias.version).member("model", alias.model);
  out.member_or_null("moving_to", alias.moving_to).member_or_null("previous", alias.previous);
  out.member_or_null("owner", alias.owner).member_or_null("detail", alias.detail);
  out.member("lane", alias.lane == rpc::Lane::batch ? "batch" : "interactive").member("listed", alias.listed);
  out.close_object();
}

ApiError moved_on(const MovingAlias& now) {
  return {Cause::conflict,
          fmt::format("Somebody has moved '{}' meanwhile; it has version {} now. Look at it and try again.", now.name,
                      now.version),
          "version",
          {},
          "En anden har flyttet navnet imens. Se det, og prøv igen."};
}

ApiError anothers(const MovingAlias& now) {
  return {Cause::conflict,
          fmt::format("'{}' belongs to '{}'; name that owner to move it all the same.", now.name, now.owner),
          "owner",
          {},
          fmt::format("Navnet hører til '{}'. Skriv den ejer for at flytte det alligevel.", now.owner)};
}

ApiError not_there() { return {Cause::not_found, "There is no such alias that can be moved."}; }

}  // namespace

std::string stored_alias(const MovingAlias& alias) {
  std::string text;
  json::Writer out(text);
  write_alias(out, alias);
  return text;
}

std::string removed_alias(std::uint64_t version) {
  std::string text;
  json::Writer(text).object().member("version", version).close_object();
  return text;
}

std::optional<MovingAlias> read_alias(std::string_view name, std::string_view stored) {
  json::Document document;
  const auto root = document.parse(stored);
  const auto version = root ? root->find("version") : std::nullopt;
  if (!version || version->integer().value_or(0) < 1) return std::nullopt;
  const auto text = [&](std::string_view key) {
    const auto found = root->find(key);
    return found ? found->text().value_or("") : std::string();
  };
  MovingAlias alias;
  alias.name = name;
  alias.version = static_cast<std::uint64_t>(*version->integer());
  alias.model = text("model");
  alias.moving_to = text("moving_to");
  alias.previous = text("previous");
  alias.owner = text("owner");
  alias.lane = text("lane") == "batch" ? rpc::Lane::batch : rpc::Lane::interactive;
  const auto listed = root->find("listed");
  alias.listed = !listed || listed->boolean().value_or(true);
  return alias;
}

net::Task<void> AliasesApi::list_aliases(Call& call) {
  call.json(200, one_json([&](json::Writer& out) {
              out.object().key("aliases").array();
              for (auto [name, alias] : desk_.context.catalogue.moving()) {
                alias.version = latest(alias);
                write_alias(out, alias);
              }
              out.close_array().key("left_out").array();
              if (aliases_ != nullptr)
                for (const auto& [name, left] : aliases_->left_out()) {
                  out.object().member("name", name).member_or_null("model", left.model);
                  out.member("why", left.why).member("why_da", left.why_da).close_object();
                }
              out.close_array().close_object();
            }));
  co_return;
}

// Another server may have moved it to a model that this one lacks: what it means here is then not the newest.
std::uint64_t AliasesApi::latest(const MovingAlias& alias) const {
  return std::max(alias.version, aliases_ == nullptr ? 0 : aliases_->last_version(alias.name));
}

// What is wished of an alias, against what it is now; the version and the owner must be those that were seen.
std::expected<MovingAlias, ApiError> AliasesApi::moved(const std::string& name, const Wish& wish) const {
  const auto& all = desk_.context.catalogue.moving();
  const auto found = all.find(name);
  MovingAlias alias;
  if (found == all.end()) {
    if (wish.back || wish.version) return std::unexpected(not_there());
    if (const auto left = aliases_->left_out().find(name); left != aliases_->left_out().end()) {
      alias = left->second.stored;
      if (!alias.owner.empty() && wish.owner != alias.owner) return std::unexpected(anothers(alias));
      alias.model.clear();  // which is not there
      alias.moving_to.clear();
    }
    alias.name = name;
    alias.version = aliases_->last_version(name);
  } else {
    alias = found->second;
    alias.version = latest(alias);
    if (!alias.owner.empty() && wish.owner != alias.owner) return std::unexpected(anothers(alias));
    if (wish.version != alias.version) return std::unexpected(moved_on(alias));
    if (wish.back && alias.previous.empty() && alias.moving_to.empty())
      return std::unexpected(ApiError{Cause::conflict,
                                      fmt::format("'{}' has never meant another model.", name),
                                      {},
                                      {},
                                      "Navnet har ikke betydet en anden model før."});
  }
  ++alias.version;
  alias.detail.clear();
  if (wish.owner) alias.owner = *wish.owner;
  if (wish.lane) alias.lane = *wish.lane;
  if (wish.listed) alias.listed = *wish.listed;
  // Back from a move that has not happened yet is to stay.
  const std::string target = !wish.back ? wish.model : alias.moving_to.empty() ? alias.previous : alias.model;
  if (alias.model.empty()) {
    alias.model = target;
  } else {
    alias.moving_to = target == alias.model ? std::string() : target;
  }
  if (auto may = aliases_->may_move(alias); !may) {
    const Error& why = may.error();
    const Cause cause = why.code == Errc::not_found ? Cause::not_found : Cause::conflict;
    return std::unexpected(ApiError{cause, in_words(why), why.code == Errc::exists ? "name" : "model"});
  }
  return alias;
}

net::Task<void> AliasesApi::put_alias(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  static constexpr std::string_view lanes[] = {"interactive", "batch"};
  Wish wish;
  const auto invalid = [&](const Error& why, const char* param) {
    call.fail(ApiError{Cause::invalid_value, why.message, param});
  };
  const auto model = fields->text("model");
  if (!model) co_return invalid(model.error(), "model");
  const auto owner = fields->maybe_text("owner");
  if (!owner) co_return invalid(owner.error(), "owner");
  const auto lane = fields->maybe_text("lane");
  if (!lane) co_return invalid(lane.error(), "lane");
  const auto listed = fields->maybe_boolean("listed");
  if (!listed) co_return invalid(listed.error(), "listed");
  const auto version = fields->maybe_integer("version", 1, std::numeric_limits<std::int64_t>::max());
  if (!version) co_return invalid(version.error(), "version");
  if (auto all = fields->finish(); !all) co_return call.fail(ApiError{Cause::invalid_value, all.error().message});
  if (*owner && (*owner)->size() > owner_bytes_max)
    co_return call.fail(ApiError{Cause::invalid_value, "owner is longer than 200 bytes", "owner"});
  if (*lane && *lane != lanes[0] && *lane != lanes[1])
    co_return call.fail(ApiError{Cause::invalid_value, "lane must be interactive or batch", "lane"});
  if (!(!call.id.empty() && call.id.size() <= limits::name_bytes_max && is_plain_name(call.id)))
    co_return call.fail(
        ApiError{Cause::invalid_value, "an alias is visible ASCII without spaces, quotes and backslashes", "name"});
  wish.model = *model;
  wish.owner = *owner;
  if (*lane) wish.lane = *lane == lanes[1] ? rpc::Lane::batch : rpc::Lane::interactive;
  wish.listed = *listed;
  if (*version) wish.version = static_cast<std::uint64_t>(**version);
  co_await move_alias(call, std::move(wish), "alias.move");
}

net::Task<void> AliasesApi::roll_back_alias(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  Wish wish;
  wish.back = true;
  const auto owner = fields->maybe_text("owner");
  if (!owner) co_return call.fail(ApiError{Cause::invalid_value, owner.error().message, "owner"});
  const auto version = fields->integer("version", 1, std::numeric_limits<std::int64_t>::max());
  if (!version) co_return call.fail(ApiError{Cause::invalid_value, version.error().message, "version"});
  if (auto all = fields->finish(); !all) co_return call.fail(ApiError{Cause::invalid_value, all.error().message});
  wish.owner = *owner;
  wish.version = static_cast<std::uint64_t>(*version);
  co_await move_alias(call, std::move(wish), "alias.rollback");
}

net::Task<void> AliasesApi::move_alias(Call& call, Wish wish, std::string_view action) {
  if (aliases_ == nullptr) co_return call.fail(not_there());
  const std::string name = call.id;
  std::optional<ApiError> refused;
  const members::Act act = call.act(desk_.context.clock.wall());
  const auto done = co_await answer_of<Expected<MovingAlias>>([&](auto then) {
    desk_.directory.audit().carry_out<MovingAlias>(
        [this, act, name, action, &wish, &refused]() -> Expected<members::Deed<MovingAlias>> {
          auto alias = moved(name, wish);
          if (!alias) {
            refused = alias.error();
            return fail(Errc::conflict, "");
          }
          const auto& all = desk_.context.catalogue.moving();
          const auto before = all.find(name);
          const store::NamedRow row{name, alias->version, stored_alias(*alias), act.at};
          return members::Deed<MovingAlias>{
              [row, alias = *alias](store::Store& s) -> Expected<MovingAlias> {
                if (auto kept = s.set_named(store::NamedKind::alias, row); !kept) return std::unexpected(kept.error());
                return alias;
              },
              desk_.directory.audit().row(act, action, {name, {}},
                                          before == all.end() ? std::string() : stored_alias(before->second),
                                          row.value),
              [this](MovingAlias& kept) { aliases_->move(kept); }};
        },
        std::move(then));
  });
  if (refused) co_return call.fail(*refused);
  if (!done) co_return call.fail(done.error());
  const auto& all = desk_.context.catalogue.moving();
  const auto found = all.find(name);
  const MovingAlias now = found == all.end() ? *done : found->second;  // its model may have gone meanwhile
  desk_.context.log.info("an alias moves", {{"request_id", call.request_id},
                                            {"alias", name},
                                            {"model", now.model},
                                            {"moving_to", now.moving_to},
                                            {"version", now.version}});
  call.json(done->version == 1 ? 201 : 200, one_json([&](json::Writer& out) { write_alias(out, now); }));
}

net::Task<void> AliasesApi::remove_alias(Call& call) {
  if (aliases_ == nullptr) co_return call.fail(not_there());
  const std::string name = call.id;
  std::optional<ApiError> refused;
  const members::Act act = call.act(desk_.context.clock.wall());
  const auto done = co_await answer_of<Expected<bool>>([&](auto then) {
    desk_.directory.audit().carry_out<bool>(
        [this, act, name, &refused]() -> Expected<members::Deed<bool>> {
          const auto& all = desk_.context.catalogue.moving();
          const auto before = all.find(name);
          const bool known = before != all.end();
          if (!known && !aliases_->left_out().contains(name)) {
            refused = not_there();
            return fail(Errc::not_found, "");
          }
          const std::uint64_t version = (known ? latest(before->second) : aliases_->last_version(name)) + 1;
          const store::NamedRow row{name, version, removed_alias(version), act.at};
          return members::Deed<bool>{
              [row](store::Store& s) -> Expected<bool> {
                if (auto kept = s.set_named(store::NamedKind::alias, row); !kept) return std::unexpected(kept.error());
                return true;
              },
              desk_.directory.audit().row(act, "alias.remove", {name, {}},
                                          known ? stored_alias(before->second) : std::string(), std::string()),
              [this, name](bool&) { aliases_->remove(name); }};
        },
        std::move(then));
  });
  if (refused) co_return call.fail(*refused);
  if (!done) co_return call.fail(done.error());
  desk_.context.log.info("an alias goes", {{"request_id", call.request_id}, {"alias", name}});
  call.none();
}

}  // namespace faelled::portal
