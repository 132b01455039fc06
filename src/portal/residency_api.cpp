#include "portal/residency_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_words.hpp"
#include "base/time_text.hpp"
#include "base/whole_number.hpp"
#include "json/writer.hpp"
#include "portal/answers.hpp"
#include "portal/model_page.hpp"
#include "portal/residency_text.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

constexpr std::size_t page_rows = 50;

// Why it cannot be, or nothing: what is known before the order is given.
std::optional<ApiError> hindrance(const rpc::ResidencyPort& port, const rpc::ModelResidency& model,
                                  rpc::ResidencyAct act) {
  if (model.fetching)
    return ApiError{
        Cause::conflict, "The file of this model is not here yet.", {}, {}, "Modellens fil er ikke hentet endnu."};
  if (model.bytes == 0)
    return ApiError{Cause::conflict,
                    "This model runs elsewhere; the server moves only those that take its own memory.",
                    {},
                    {},
                    "Denne model kører et andet sted. Kun modeller i egen hukommelse kan flyttes."};
  const bool comes = act == rpc::ResidencyAct::load || act == rpc::ResidencyAct::wake || act == rpc::ResidencyAct::pin;
  if (comes && !model.fits && !model.may_be_tried) {
    const auto devices = port.devices();
    const bool pinned_keep = std::ranges::any_of(
        devices, [&](const auto& one) { return rpc::suits(model, one) && one.bytes >= model.bytes; });
    return ApiError{
        Cause::conflict,
        model.detail.empty() ? "No memory here is large enough for this model." : "It does not fit: " + model.detail,
        {},
        {},
        pinned_keep ? "Fastholdte modeller optager for meget af hukommelsen. Giv en af dem fri først."
                    : "Ingen hukommelse her er stor nok til denne model."};
  }
  if (act == rpc::ResidencyAct::sleep && !model.can_sleep)
    return ApiError{
        Cause::conflict,
        "This model cannot sleep: its engine is none that can, there is no other memory for its weights, or "
        "it kept its memory the last time.",
        {},
        {},
        "Denne model kan ikke sove. Enten kan dens motor ikke, eller der er ingen anden hukommelse til den, "
        "eller den beholdt sin hukommelse sidst."};
  const bool wakes = model.state == rpc::EngineState::waking;
  if (act == rpc::ResidencyAct::sleep && model.state != rpc::EngineState::ready && !wakes)
    return ApiError{Cause::conflict,
                    "Only a model that is ready can be put to sleep.",
                    {},
                    {},
                    "Kun en model, der er klar, kan sættes til at sove."};
  const bool falls_asleep = model.state == rpc::EngineState::draining && model.sleep_level > 0;
  if (act == rpc::ResidencyAct::wake && model.state != rpc::EngineState::asleep && !falls_asleep)
    return ApiError{Cause::conflict, "This model does not sleep.", {}, {}, "Denne model sover ikke."};
  if ((act == rpc::ResidencyAct::unload || act == rpc::ResidencyAct::sleep) && model.pinned)
    return ApiError{Cause::conflict,
                    "This model is pinned; unpin it first.",
                    {},
                    {},
                    "Denne model holdes fast. Giv den fri først."};
  return std::nullopt;
}

ApiError refused(const Error& error) {
  if (error.code == Errc::not_found) return {Cause::not_found, error.message};
  return {Cause::conflict,
          in_words(error),
          {},
          {},
          "Det kan ikke lade sig gøre lige nu. Enten er der ikke plads, eller modellen har ændret tilstand imens."};
}

}  // namespace

// By id.
std::expected<std::vector<std::string>, ApiError> ResidencyApi::models_in_state(std::string_view state) const {
  if (state == "failed") return desk_.context.mesh.failed();
  using enum rpc::EngineState;
  const auto names = {starting, ready, draining, asleep, waking};
  const auto wanted = std::ranges::find(names, state, state_name);
  if (state != "in_use" && wanted == names.end())
    return std::unexpected(ApiError{Cause::invalid_value,
                                    "state is in_use, failed, starting, ready, draining, asleep or waking", "state"});
  auto ids = residency_ != nullptr ? residency_->in_use() : std::vector<std::string>();
  if (wanted != names.end())
    std::erase_if(ids, [&](const std::string& id) {
      const auto one = residency_->residency(id);
      return !one || one->state != *wanted;
    });
  return ids;
}

net::Task<void> ResidencyApi::get_residency(Call& call) {
  const auto query = model_query(call.request.query);
  if (!query) co_return call.fail(query.error());
  const gateway::Catalogue& catalogue = desk_.context.catalogue;
  ModelPage page;
  if (const std::string state = http::query_value(call.request.query, "state"); !state.empty()) {
    const auto ids = models_in_state(state);
    if (!ids) co_return call.fail(ids.error());
    page = model_page_of(*ids, catalogue, *query);
  } else {
    // What has left the catalogue may lie in a memory still.
    page = model_page(catalogue, residency_ != nullptr ? residency_->in_use() : std::vector<std::string>(), *query);
  }
  const std::vector<rpc::DeviceResidency> devices =
      residency_ != nullptr ? residency_->devices() : std::vector<rpc::DeviceResidency>();
  call.json(200, one_json([&](json::Writer& out) {
              out.object().member("at", time_text(desk_.context.clock.wall())).key("devices").array();
              for (const rpc::DeviceResidency& device : devices) {
                const auto named = device_names_.find(device.device);
                write_device(out, device, named != device_names_.end() ? std::string_view(named->second) : "");
              }
              out.close_array().key("models").array();
              if (residency_ != nullptr)
                for (const std::string& id : page.ids)
                  if (const auto model = residency_->residency(id))
                    write_residency(out, *model, catalogue.peek(id).get());
              out.close_array().member_or_null("next", page.next).member("total", catalogue.size());
              // What lies elsewhere needs no memory of ours.
              const std::optional<Duration> promise = residency_ != nullptr ? residency_->promise() : std::nullopt;
              if (promise) {
                const Duration most = std::max(*promise, desk_.context.settings.wait_max);
                out.member("wait_at_most_s", static_cast<double>(to_millis(most)) / 1000);
              } else {
                out.member("wait_at_most_s", nullptr);
              }
              const auto drawn = residency_ != nullptr ? residency_->energy() : std::nullopt;
              if (drawn) {
                out.key("modelled_energy")
                    .object()
                    .member("idle_wh", drawn->idle_wh)
                    .member("load_wh", drawn->load_wh)
                    .close_object();
              } else {
                out.member("modelled_energy", nullptr);
              }
              out.close_object();
            }));
  co_return;
}

net::Task<void> ResidencyApi::list_residency_events(Call& call) {
  const auto limit = limit_of(call.request.query, page_rows, limits::residency_page_rows_max);
  if (!limit) co_return call.fail(limit.error(), "limit");
  const auto wanted = form_of(call.request.query);
  if (!wanted) co_return call.fail(wanted.error(), "format");
  std::uint64_t before = 0;
  if (const std::string text = http::query_value(call.request.query, "before"); !text.empty()) {
    before = whole_number<std::uint64_t>(text).value_or(0);
    if (before == 0) co_return call.fail(ApiError{Cause::invalid_value, "before is the number of an event", "before"});
  }
  // One more than is told shows whether there is a next page.
  std::vector<rpc::ResidencyEvent> events;
  if (residency_ != nullptr) events = residency_->residency_events(before, *limit + 1);
  std::string next;
  if (events.size() > *limit) {
    events.resize(*limit);
    next = std::to_string(events.back().number);
  }
  if (const auto form = *wanted) {
    std::string text = before == 0 ? csv_head(csv_residency_head, *form) : std::string();
    for (const rpc::ResidencyEvent& event : events) text += csv_line(event, *form);
    co_return call.csv(text, "faelled-residency.csv", next);
  }
  call.json(200, one_json([&](json::Writer& out) {
              out.object().key("events").array();
              for (const rpc::ResidencyEvent& event : events) write_event(out, event);
              out.close_array().member_or_null("next", next).close_object();
            }));
}

// What the planner refuses although nothing was known against it has a second row that says so.
net::Task<void> ResidencyApi::order_residency(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  const auto text = fields->text("act");
  if (!text) co_return call.fail(text.error(), "act");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  const auto wanted = residency_act(*text);
  if (!wanted)
    co_return call.fail(ApiError{Cause::invalid_value, "act is load, unload, sleep, wake, pin or unpin", "act"});
  call.action = "model." + *text;
  const std::string model = call.id;
  const auto known = residency_ != nullptr ? residency_->residency(model) : std::nullopt;
  if (!known) co_return call.fail(ApiError{Cause::not_found, "There is no such model."});
  if (const auto why = hindrance(*residency_, *known, *wanted)) co_return call.fail(*why);
  const auto ordered = co_await desk_.order(
      call, call.action, model, [this, model, wanted = *wanted] { return residency_->order(model, wanted); });
  if (!ordered) co_return call.fail(ordered.error());
  if (!*ordered) co_return call.fail(refused(ordered->error()));
  desk_.context.log.info("a model is ordered", {{"request_id", call.request_id}, {"model", model}, {"act", *text}});
  const auto now = residency_->residency(model);
  call.json(200, one_json([&](json::Writer& out) {
              write_residency(out, now.value_or(*known), desk_.context.catalogue.find(model));
            }));
}

}  // namespace faelled::portal
