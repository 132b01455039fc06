#include <fmt/format.h>

#include "json/writer.hpp"
#include "members/roles.hpp"
#include "portal/cookie.hpp"
#include "portal/description.hpp"
#include "portal/model_page.hpp"
#include "portal/portal.hpp"
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

void write_card(json::Writer& out, std::string_view language, const gateway::CardText& card) {
  out.key(language)
      .object()
      .member("summary", card.summary)
      .member("good_for", card.good_for)
      .member("where", card.where)
      .close_object();
}

}  // namespace

net::Task<void> Portal::sign_in(Call& call) {
  auto fields = body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto token = fields->text("token");
  if (!token) co_return call.fail(token.error(), "token");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  const WallTime now = p_.context.clock.wall();
  auto session = co_await answer_of<Expected<members::Session>>(
      [&](auto then) { p_.directory.sign_in(*token, now, std::move(then)); });
  if (!session) {
    p_.context.log.info("a sign-in link was refused", {{"request_id", call.request_id}, {"peer", call.reply.peer()}});
    co_return call.fail(session.error());
  }
  const bool secure = p_.public_url.starts_with("https:");
  call.reply.send(200,
                  fmt::format("Content-Type: application/json\r\nCache-Control: no-store\r\nx-request-id: {}\r\n{}",
                              call.request_id, set_session_cookie(session->token, session->expires_at - now, secure)),
                  session_json(*session));
}

net::Task<void> Portal::get_session(Call& call) {
  call.json(200, session_json(*call.visitor.session));
  co_return;
}

net::Task<void> Portal::sign_out(Call& call) {
  const std::string token(session_cookie(call.request.header("cookie")));
  auto gone = co_await answer_of<Expected<void>>([&](auto then) { p_.directory.sign_out(token, std::move(then)); });
  if (!gone) co_return call.fail(gone.error());
  call.reply.send(204,
                  fmt::format("Cache-Control: no-store\r\nx-request-id: {}\r\n{}", call.request_id,
                              set_session_cookie("", Duration{}, p_.public_url.starts_with("https:"))),
                  {});
}

net::Task<void> Portal::list_models(Call& call) {
  const auto query = model_query(call.request.query);
  if (!query) co_return call.fail(query.error());
  const gateway::Catalogue& catalogue = p_.context.catalogue;
  std::string body;
  json::Writer out(body);
  out.object().key("models").array();
  rpc::ModelStatus status;
  bool any = false;
  const auto write = [&](const gateway::Catalogue::Asked& asked) {
    const std::string& id = asked.id();
    if (!offers(call.visitor, asked)) return;
    any = true;
    const gateway::CatalogueModel& model = *asked.model;
    out.object()
        .member("id", id)
        .member("name", asked.title())
        .member_or_null("base", asked.adapter != nullptr ? std::string_view(model.settings.id) : std::string_view())
        .member("state", state_name(status.state))
        // Paths, addresses and exit codes: what mends a model, and nothing for whoever only asks it.
        .member_or_null("detail", call.visitor.over_all() ? std::string_view(status.detail) : std::string_view());
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
  };
  const auto caller = call.visitor.caller();
  const WallTime now = p_.context.clock.wall();
  const auto allowed = [&](std::string_view id) {
    return !caller || call.visitor.over_all() || p_.directory.allows(*caller, id, now);
  };
  std::string last, next;
  std::size_t told = 0, looked_at = 0;
  catalogue.each_in_order_behind(query->after, [&](const gateway::Catalogue::Brief& brief) {
    if (told == query->limit || looked_at++ == limits::models_page_searched_max) {
      next = last;
      return false;
    }
    last = brief.id;
    // Before it is unpacked: somebody who may use three of a hundred thousand asks too.
    if (!brief.has_other_names && !allowed(brief.id)) return true;
    if (!is_searched(*query, catalogue, brief)) return true;
    const auto model = catalogue.hold(brief.id);
    status = p_.context.mesh.model(brief.id).value_or(rpc::ModelStatus());
    any = false;
    write({model.get()});
    for (const gateway::CatalogueAdapter& adapter : model->adapters)
      write({model.get(), rpc::Lane::interactive, &adapter});
    told += any ? 1 : 0;
    return true;
  });
  out.close_array().member_or_null("next", next).close_object();
  call.json(200, body);
  co_return;
}

net::Task<void> Portal::description(Call& call) {
  call.reply.send(200, fmt::format("Content-Type: application/json\r\nx-request-id: {}\r\n", call.request_id),
                  api_description());
  co_return;
}

}  // namespace faelled::portal
