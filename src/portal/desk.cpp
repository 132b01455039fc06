#include "portal/desk.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace faelled::portal {

using openai::ApiError;
using openai::Cause;

std::expected<json::Fields, ApiError> Desk::body_of(const Call& call) {
  auto root = document.parse(call.request.body.empty() ? std::string_view("{}") : call.request.body);
  if (!root) {
    const bool too_large = root.error().code == Errc::too_large;
    return std::unexpected(ApiError{too_large ? Cause::body_too_large : Cause::invalid_json, root.error().message});
  }
  auto fields = json::Fields::of(*root);
  if (!fields) return std::unexpected(openai::api_error_of(fields.error()));
  return std::move(*fields);
}

net::Task<Expected<Expected<void>>> Desk::order(const Call& call, std::string action, std::string object,
                                                std::function<Expected<void>()> order) {
  const members::Act act = call.act(context.clock.wall());
  Expected<void> ordered;
  const auto noted = co_await answer_of<Expected<bool>>([&](auto then) {
    directory.audit().carry_out<bool>(
        [&, act]() -> Expected<members::Deed<bool>> {
          return members::Deed<bool>{[](store::Store&) { return Expected<bool>(true); },
                                     directory.audit().row(act, action, {object, {}}, std::string(), std::string()),
                                     [&](bool&) { ordered = order(); }};
        },
        std::move(then));
  });
  if (!noted) co_return std::unexpected(noted.error());
  co_return ordered;
}

void Desk::audit_refusal(const Call& call, std::string_view action, std::string_view object, Cause cause) {
  if (!call.visitor.owner && !call.visitor.session && !call.visitor.key) return;
  const char* code = openai::row_of(cause).code;
  directory.audit().refused(call.act(context.clock.wall()), action, {std::string(object), {}},
                            code != nullptr ? code : "refused");
}

// A model or adapter that is for some members is for nobody else, whatever they may see besides: only the owner of the
// machine asks as no member.
bool Desk::offers(const Visitor& visitor, std::string_view model) const {
  const auto asked = asked_by_id(model);
  return asked.model != nullptr && offers(visitor, asked);
}

bool Desk::offers(const Visitor& visitor, const gateway::Catalogue::Asked& asked, bool beyond_policy) const {
  const auto caller = visitor.caller();
  return !caller || (asked.is_for(caller->member) && allows(visitor, asked.id(), beyond_policy));
}

bool Desk::allows(const Visitor& visitor, std::string_view id, bool beyond_policy) const {
  const auto caller = visitor.caller();
  if (!caller || visitor.over_all()) return true;
  const WallTime now = context.clock.wall();
  return beyond_policy ? directory.agreements().allows(caller->member, id, now) : directory.allows(*caller, id, now);
}

gateway::Catalogue::Asked Desk::asked_by_id(std::string_view id) const {
  const auto asked = context.catalogue.asked(id);
  return asked.model != nullptr && asked.id() == id ? asked : gateway::Catalogue::Asked{};
}

std::expected<std::optional<store::ModelList>, ApiError> Desk::models_of(json::Fields& fields, std::string_view name,
                                                                         const Visitor& visitor,
                                                                         const store::ModelList& before) const {
  const auto caller = visitor.caller();
  const auto there = [&](const std::string& id) {
    const auto asked = asked_by_id(id);
    return asked.model != nullptr && (!caller || visitor.over_all() || asked.is_for(caller->member));
  };
  if (fields.says_null(name)) return std::optional(store::ModelList());
  auto given = fields.maybe_array(name);
  if (!given) return std::unexpected(ApiError{Cause::invalid_value, given.error().message, std::string(name)});
  if (!*given) return std::nullopt;
  if ((**given).count() > limits::allowed_models_max)
    return std::unexpected(ApiError{
        Cause::invalid_value,
        fmt::format("At most {} models can be named; name fewer, or null for all.", limits::allowed_models_max),
        std::string(name),
        {},
        fmt::format("Der kan vælges højst {} modeller. Vælg færre, eller alle.", limits::allowed_models_max)});
  std::vector<std::string> ids;
  for (const json::Value item : (**given).items()) {
    const auto id = item.text();
    // A list may outlive a model that stands in it, or its being for this member. One that is there for others is to be
    // told from none by nobody.
    const bool stood = id && before && std::ranges::find(*before, *id) != before->end();
    const bool was = id && (!caller || visitor.over_all()) && !context.catalogue.has(*id) && keeping_ != nullptr &&
                     keeping_->last_version(*id) > 0;
    if (!id || (!there(*id) && !was && !stood))
      return std::unexpected(ApiError{Cause::invalid_value,
                                      fmt::format("there is no model '{}'; GET /api/models names those that are",
                                                  id ? id->substr(0, 100) : std::string(item.raw().substr(0, 100))),
                                      std::string(name)});
    if (std::ranges::find(ids, *id) == ids.end()) ids.push_back(*id);
  }
  return std::optional(store::ModelList(std::move(ids)));
}

std::uint32_t Desk::context_tokens(std::string_view model) const {
  const auto asked = asked_by_id(model);
  const auto status = asked.model != nullptr ? context.mesh.model(asked.model->settings.id) : std::nullopt;
  return status ? status->context_tokens : 0;
}

Duration Desk::longest_answer(const Call& call) const {
  Duration wait = context.settings.wait_max;
  const auto caller = call.visitor.caller();
  const auto* agreement = caller ? directory.agreements().in_force(caller->member, context.clock.wall()) : nullptr;
  if (agreement != nullptr && agreement->wait_s)
    wait = std::max<Duration>(wait, std::chrono::seconds(*agreement->wait_s));
  return wait + context.settings.total_max + std::chrono::minutes(1);
}

}  // namespace faelled::portal
