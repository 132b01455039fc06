#include "portal/models_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "json/writer.hpp"
#include "portal/model_page.hpp"
#include "portal/render.hpp"
#include "portal/residency_text.hpp"

namespace faelled::portal {
namespace {

using gateway::Catalogue;
using gateway::CatalogueModel;
using openai::ApiError;
using openai::Cause;

constexpr std::size_t ids_max = 100;  // in one question

// What of all models is asked for, besides what every list takes.
struct Wanted {
  std::vector<std::string> ids;  // these alone, in this order, each once; empty: all
  std::string serves;            // those alone that do; empty: all
  bool beyond_policy = false;

  bool has(const CatalogueModel& model) const { return serves.empty() || serves_of(model.settings) == serves; }
};

std::expected<Wanted, ApiError> wanted_of(std::string_view query) {
  const auto wrong = [](std::string_view param, std::string_view words) {
    return std::unexpected(ApiError{Cause::invalid_value, std::string(words), std::string(param)});
  };
  Wanted wanted{.ids = {}, .serves = http::query_value(query, "serves")};
  std::vector<std::string> ids = http::query_values(query, "id");
  if (ids.size() > ids_max)
    return wrong("id", fmt::format("id can be given {} times at most; ask again for the others", ids_max));
  for (std::string& id : ids) {
    if (auto long_id = too_long("id", "id is a model's or an adapter's, and", id))
      return std::unexpected(*std::move(long_id));
    if (!id.empty() && std::ranges::find(wanted.ids, id) == wanted.ids.end()) wanted.ids.push_back(std::move(id));
  }
  constexpr std::array kinds{"", "chat", "embeddings", "rerank"};
  if (std::ranges::find(kinds, wanted.serves) == kinds.end())
    return wrong("serves", "serves is chat, embeddings or rerank");
  const std::string beyond = http::query_value(query, "beyond_policy");
  if (!beyond.empty() && beyond != "true" && beyond != "false")
    return wrong("beyond_policy", "beyond_policy is true or false");
  wanted.beyond_policy = beyond == "true";
  return wanted;
}

void write_card(json::Writer& out, std::string_view language, const gateway::CardText& card) {
  out.key(language)
      .object()
      .member("summary", card.summary)
      .member("good_for", card.good_for)
      .member("where", card.where)
      .close_object();
}

// `inside`: with paths, addresses and exit codes, which mend a model, and are nothing for whoever only asks it.
void write_model(json::Writer& out, const Catalogue::Asked& asked, const rpc::ModelStatus& status, bool inside) {
  const CatalogueModel& model = *asked.model;
  out.object()
      .member("id", asked.id())
      .member("name", asked.title())
      .member_or_null("base", asked.adapter != nullptr ? std::string_view(model.settings.id) : std::string_view())
      .member("state", state_name(status.state))
      .member_or_null("detail", inside ? std::string_view(status.detail) : std::string_view());
  if (status.ready_in > Duration{}) {
    out.member("ready_in_s", static_cast<double>(to_millis(status.ready_in)) / 1000);
  } else {
    out.member("ready_in_s", nullptr);
  }
  if (status.context_tokens > 0) {
    out.member("context_tokens", status.context_tokens);
  } else {
    out.member("context_tokens", nullptr);
  }
  out.member("places", model.settings.places).member("running", status.running).member("waiting", status.waiting);
  out.member("serves", serves_of(model.settings));
  out.member("embeddings", model.settings.embeddings || model.settings.rerank);
  const auto card = [&out](const auto& of) {
    if (!of.has_card) return void(out.member("card", nullptr));
    out.key("card").object();
    write_card(out, "da", of.da);
    write_card(out, "en", of.en);
    out.close_object();
  };
  asked.adapter != nullptr ? card(*asked.adapter) : card(model);
  out.member("demo", model.settings.demo).close_object();
}

}  // namespace

net::Task<void> ModelsApi::list_models(Call& call) {
  const auto query = model_query(call.request.query);
  if (!query) co_return call.fail(query.error());
  const auto wanted = wanted_of(call.request.query);
  if (!wanted) co_return call.fail(wanted.error());
  const bool beyond_policy = wanted->beyond_policy;
  if (beyond_policy && !call.visitor.may(access::admins)) {
    call.fail(ApiError{Cause::forbidden, "beyond_policy is for your organisation's administrators.", "beyond_policy"});
    co_return desk_.audit_refusal(call, "api.call", "GET /api/models", *call.failed);
  }
  const Catalogue& catalogue = desk_.context.catalogue;
  const ModelSearch::Sees sees = [&](const Catalogue::Asked& asked) {
    return desk_.offers(call.visitor, asked, beyond_policy);
  };
  std::string body, next;
  json::Writer out(body);
  out.object().key("models").array();
  // Whether there was a row to tell.
  const auto tell = [&](const Catalogue::Asked& asked) {
    if (!sees(asked)) return false;
    const auto status = desk_.context.mesh.model(asked.model->settings.id).value_or(rpc::ModelStatus());
    write_model(out, asked, status, call.visitor.over_all());
    return true;
  };
  for (const std::string& id : wanted->ids) {
    const auto model = catalogue.peek(catalogue.base_of(id));
    if (model == nullptr || !wanted->has(*model)) continue;
    const auto adapter = std::ranges::find(model->adapters, id, &gateway::CatalogueAdapter::id);
    tell({model.get(), rpc::Lane::interactive, adapter == model->adapters.end() ? nullptr : &*adapter});
  }
  if (wanted->ids.empty()) {
    const ModelSearch search(query->search, catalogue, sees);
    std::string last;
    std::size_t told = 0, looked_at = 0;
    bool kept = false;  // the last one may be, from this visitor: no page ends with its id
    catalogue.each_in_order_behind(query->after, [&](const Catalogue::Brief& brief) {
      if (told == query->limit || (looked_at >= limits::models_page_searched_max && !kept)) {
        next = last;
        return false;
      }
      last = brief.id;
      kept = brief.for_some;
      looked_at += ModelSearch::effort_of(brief);
      // Before it is unpacked: somebody who may use three of a hundred thousand asks too.
      if (!brief.has_other_names && !desk_.allows(call.visitor, brief.id, beyond_policy)) return true;
      if (!search.finds(brief)) return true;
      const auto model = catalogue.peek(brief.id);
      looked_at += ModelSearch::unpacking;
      if (!wanted->has(*model)) return true;
      bool any = tell({model.get()});
      for (const gateway::CatalogueAdapter& adapter : model->adapters)
        any |= tell({model.get(), rpc::Lane::interactive, &adapter});
      told += any ? 1 : 0;
      kept = kept && !any;
      return true;
    });
  }
  out.close_array().member_or_null("next", next).close_object();
  call.json(200, body);
}

}  // namespace faelled::portal
