#include "portal/agreements_api.hpp"

#include <map>

#include "base/day.hpp"
#include "json/writer.hpp"
#include "members/rights.hpp"
#include "portal/agreement_wish.hpp"
#include "portal/answers.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using members::AgreementPlan;
using members::PlaceScale;
using openai::ApiError;
using openai::Cause;

constexpr std::size_t page_rows = 100;

std::string csv_of(const std::vector<store::AgreementRow>& rows, const AgreementView& view, CsvForm form, bool first) {
  std::string text = first ? csv_head(csv_agreement_head, form) : std::string();
  for (const store::AgreementRow& row : rows) text += csv_line(row, view, form);
  return text;
}

}  // namespace

// As they are configured: an engine that is away for a moment changes nobody's limit.
std::uint32_t AgreementsApi::places_there() const {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(desk_.context.catalogue.places(), UINT32_MAX));
}

members::AgreementFacts AgreementsApi::agreement_facts() const {
  return {[this](std::string_view id) { return desk_.asked_by_id(id).model != nullptr; },
          [this] { return desk_.context.catalogue.all_ids(); }, places_there()};
}

// What counts now.
PlaceScale AgreementsApi::place_scale() const {
  return desk_.directory.agreements().places(places_there(), desk_.context.clock.wall());
}

// Whose agreements the visitor asks for; nullopt: it has been told why not. Empty: all.
std::optional<std::string> AgreementsApi::whose_agreements(Call& call) const {
  std::string member = http::query_value(call.request.query, "member");
  if (!call.visitor.over_all()) {
    const std::string& own = call.visitor.session->member.id;
    if (member.empty()) member = own;
    if (member == own) return member;
  } else if (member.empty() || desk_.directory.member(member)) {
    return member;
  }
  call.fail(ApiError{Cause::not_found, "There is no such member."});
  return std::nullopt;
}

net::Task<void> AgreementsApi::list_agreements(Call& call) {
  const auto member = whose_agreements(call);
  if (!member) co_return;
  const auto limit = limit_of(call.request.query, page_rows, limits::agreements_page_rows_max);
  if (!limit) co_return call.fail(limit.error(), "limit");
  const auto form = form_of(call.request.query);
  if (!form) co_return call.fail(form.error(), "format");
  const WallTime now = desk_.context.clock.wall();
  const std::string after = http::query_value(call.request.query, "after");
  const auto page = page_of(desk_.directory.agreements().open(*member, now), after, *limit);
  if (!page) co_return call.fail(page.error(), "after");
  const AgreementView view{now, place_scale(), call.visitor.over_all()};
  if (*form) co_return call.csv(csv_of(page->rows, view, **form, after.empty()), "faelled-agreements.csv", page->next);
  call.json(200, one_json([&](json::Writer& out) {
              out.object().key("agreements").array();
              for (const store::AgreementRow& row : page->rows) write_agreement(out, row, view);
              out.close_array();
              write_places(out, view.places);
              out.member_or_null("next", page->next).member("total", page->total).close_object();
            }));
}

net::Task<void> AgreementsApi::get_agreement_history(Call& call) {
  const auto member = whose_agreements(call);
  if (!member) co_return;
  const auto limit = limit_of(call.request.query, page_rows, limits::agreements_page_rows_max);
  if (!limit) co_return call.fail(limit.error(), "limit");
  const auto form = form_of(call.request.query);
  if (!form) co_return call.fail(form.error(), "format");
  const std::string before = http::query_value(call.request.query, "before");
  auto page = co_await desk_.on_store<store::AgreementPage>(
      [member = *member, before, limit = *limit](store::Store& s, store::Conversations&) {
        return s.agreement_history(member, before, limit);
      });
  if (!page && page.error().code == Errc::not_found)
    co_return call.fail(ApiError{Cause::invalid_value, "before is the id of an agreement", "before"});
  if (!page) co_return call.fail(page.error());
  const AgreementView view{desk_.context.clock.wall(), place_scale(), call.visitor.over_all()};
  if (*form)
    co_return call.csv(csv_of(page->rows, view, **form, before.empty()), "faelled-agreement-history.csv", page->next);
  call.json(200, one_json([&](json::Writer& out) {
              out.object().key("agreements").array();
              for (const store::AgreementRow& row : page->rows) write_agreement(out, row, view);
              out.close_array().member_or_null("next", page->next).close_object();
            }));
}

// What one may read who sees other members as sums alone.
net::Task<void> AgreementsApi::sum_agreements(Call& call) {
  struct Sum {
    std::uint64_t members = 0, share = 0;
    std::int64_t fee_ore = 0;
  };
  const WallTime now = desk_.context.clock.wall();
  const members::Agreements& all = desk_.directory.agreements();
  std::map<std::string, Sum> tiers;
  Sum whole;
  std::uint64_t suspended = 0;
  for (const store::AgreementRow& row : all.open({}, now)) {
    if (!members::in_force(row, now)) continue;
    for (Sum* sum : {&tiers[row.tier], &whole}) {
      ++sum->members;
      sum->share += row.share;
      sum->fee_ore += row.fee_ore;
    }
    suspended += row.suspended ? 1 : 0;
  }
  const std::size_t members = desk_.directory.members().size();
  call.json(200, one_json([&](json::Writer& out) {
              out.object().key("tiers").array();
              for (const auto& [id, sum] : tiers) {
                const auto tier = all.tier(id);
                out.object()
                    .member("tier", id)
                    .member("name", tier ? tier->name : id)
                    .member("members", sum.members)
                    .member("share", sum.share)
                    .member("fee_ore", sum.fee_ore)
                    .close_object();
              }
              out.close_array()
                  .member("members", members)
                  .member("with_agreement", whole.members)
                  .member("suspended", suspended)
                  .member("share", whole.share)
                  .member("fee_ore", whole.fee_ore);
              write_places(out, place_scale());
              out.close_object();
            }));
  co_return;
}

// In short, for everybody of the member.
net::Task<void> AgreementsApi::get_promise(Call& call) {
  const WallTime now = desk_.context.clock.wall();
  const members::Agreements& all = desk_.directory.agreements();
  const std::string& member = call.visitor.session->member.id;
  const members::Terms terms = all.terms(member, now);
  std::uint64_t shares = 0;
  for (const store::MemberRow& row : desk_.directory.members()) {
    const store::AgreementRow* promised = all.in_force(row.id, now);
    shares += promised != nullptr ? promised->share : members::Terms().share;
  }
  const store::AgreementRow* agreement = all.in_force(member, now);
  const auto tier = all.tier(terms.tier);
  const auto wait = terms.wait.value_or(std::chrono::floor<std::chrono::seconds>(desk_.context.settings.wait_max));
  const PlaceScale places = place_scale();
  call.json(200, one_json([&](json::Writer& out) {
              out.object()
                  .member_or_null("agreement", terms.agreement)
                  .member_or_null("tier", tier ? tier->name : terms.tier)
                  .member_or_null("from", agreement ? day_text(agreement->from) : "")
                  .member_or_null("until", agreement && agreement->until ? day_text(*agreement->until) : "")
                  .member("share", terms.share)
                  .member("shares", shares)
                  .member("places", terms.places)
                  .member("places_now", places.of(terms.places))
                  .member("wait_s", static_cast<std::int64_t>(wait.count()));
              out.key("models").array();
              for (const std::string& id : terms.models) out.text(id);
              out.close_array()
                  .member("suspended", terms.suspended)
                  .member_or_null("reason_da", terms.reason_da)
                  .member_or_null("reason_en", terms.reason_en)
                  .close_object();
            }));
  co_return;
}

net::Task<void> AgreementsApi::plan_agreements(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  const auto wished = read_wish(*fields);
  if (!wished) co_return call.fail(wished.error());
  const WallTime now = desk_.context.clock.wall();
  const AgreementPlan plan = desk_.directory.agreements().plan(wished->wish, agreement_facts(), now);
  const AgreementView view{now, plan.places, true};
  call.json(200, one_json([&](json::Writer& out) { write_plan(out, plan, view, false); }));
}

net::Task<void> AgreementsApi::change_agreements(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto wished = read_wish(*fields);
  if (!wished) co_return call.fail(wished.error());
  co_await carry_out(call, std::move(wished->wish), std::move(wished->plan));
}

net::Task<void> AgreementsApi::carry_out(Call& call, members::AgreementWish wish, std::string plan_id) {
  const WallTime now = desk_.context.clock.wall();
  const bool whole = wish.whole;
  auto plan = co_await answer_of<Expected<AgreementPlan>>([&](auto then) {
    desk_.directory.agreements().carry_out(std::move(wish), agreement_facts(), std::move(plan_id), call.act(now),
                                           std::move(then));
  });
  if (!plan) co_return call.fail(plan.error());
  if (!plan->steps.empty())
    desk_.context.log.info("agreements were changed", {{"request_id", call.request_id},
                                                       {"steps", plan->steps.size()},
                                                       {"whole", whole},
                                                       {"peer", call.reply.peer()}});
  const AgreementView view{now, plan->places, true};
  call.json(200, one_json([&](json::Writer& out) { write_plan(out, *plan, view, true); }));
}

net::Task<void> AgreementsApi::list_tiers(Call& call) {
  PlaceScale places = place_scale();
  for (const store::TierRow& row : desk_.directory.agreements().tiers())  // as if somebody had each
    places.promised = std::max(places.promised, row.places);
  call.json(200, one_json([&](json::Writer& out) {
              out.object().key("tiers").array();
              for (const store::TierRow& row : desk_.directory.agreements().tiers()) write_tier(out, row, places);
              out.close_array();
              write_places(out, places);
              out.close_object();
            }));
  co_return;
}

net::Task<void> AgreementsApi::set_tier(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto tier = read_tier(*fields);
  if (!tier) co_return call.fail(tier.error());
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  members::AgreementWish wish;
  wish.tiers.push_back(std::move(*tier));
  co_await carry_out(call, std::move(wish), {});
}

net::Task<void> AgreementsApi::remove_tier(Call& call) {
  if (!desk_.directory.agreements().tier(call.id))
    co_return call.fail(ApiError{Cause::not_found, "There is no such tier."});
  members::AgreementWish wish;
  wish.tiers_removed.push_back(call.id);
  co_await carry_out(call, std::move(wish), {});
}

}  // namespace faelled::portal
