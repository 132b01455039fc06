#include "portal/usage_api.hpp"

#include <fmt/format.h>

#include <map>

#include "base/limits.hpp"
#include "json/writer.hpp"
#include "portal/answers.hpp"
#include "portal/render.hpp"
#include "portal/times.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

std::string rows_json(const store::UsagePage& page) {
  std::string body;
  json::Writer out(body);
  out.object().key("rows").array();
  for (const ledger::UsageRow& row : page.rows) write_usage(out, row);
  out.close_array().member_or_null("next", page.next).close_object();
  return body;
}

// How a model is called to somebody of `member`: an adapter that is not for them, or is gone, counts as its base, and a
// model that is not for them has no name.
std::string shown_as(const gateway::Catalogue& catalogue, const std::string& model, std::string_view member) {
  const auto asked = catalogue.asked(model);
  if (asked.model != nullptr && asked.is_for(member)) return model;
  const std::string base = asked.model != nullptr ? asked.model->settings.id : model.substr(0, model.rfind(':'));
  const auto of_base = catalogue.peek(base);
  if (of_base == nullptr) return model;
  return gateway::is_for(of_base->members, member) ? of_base->settings.id : std::string();
}

// Sums of sums, without who it was: all that an auditor, one of `member`, is told.
std::vector<store::UsageSum> without_callers(const std::vector<store::UsageSum>& sums,
                                             const gateway::Catalogue& catalogue, std::string_view member) {
  std::map<std::pair<std::string, std::string>, store::UsageSum> merged;
  for (const store::UsageSum& sum : sums) {
    const std::string model = sum.member == member ? sum.model : shown_as(catalogue, sum.model, member);
    store::UsageSum& into = merged[{sum.member, model}];
    into.member = sum.member;
    into.model = model;
    into.requests += sum.requests;
    into.input_tokens += sum.input_tokens;
    into.cached_tokens += sum.cached_tokens;
    into.output_tokens += sum.output_tokens;
  }
  std::vector<store::UsageSum> out;
  for (auto& [key, sum] : merged) out.push_back(std::move(sum));
  return out;
}

enum class Scope { own, member, all };

// Whose usage is asked for; refused where the visitor may not see so much.
std::expected<Scope, ApiError> scope_of(const Visitor& visitor, std::string_view text) {
  const bool auditor = visitor.is(store::Role::auditor);
  const Scope widest = visitor.over_all() || auditor           ? Scope::all
                       : visitor.is(store::Role::member_admin) ? Scope::member
                                                               : Scope::own;
  if (text.empty()) return visitor.over_all() ? Scope::all : auditor ? Scope::member : Scope::own;
  if (text != "own" && text != "member" && text != "all")
    return std::unexpected(ApiError{Cause::invalid_value, "scope is own, member or all", "scope"});
  const Scope scope = text == "own" ? Scope::own : text == "member" ? Scope::member : Scope::all;
  if (scope > widest) return std::unexpected(ApiError{Cause::forbidden, "This usage is not for you to see.", "scope"});
  return scope;
}

// "member,caller,model": ids have no comma, and the model stands last.
std::string text_of(const std::optional<store::UsageKey>& key) {
  return key ? fmt::format("{},{},{}", key->member, key->caller, key->model) : std::string();
}

std::optional<store::UsageKey> key_of(std::string_view text) {
  const std::size_t first = text.find(',');
  const std::size_t second = first == std::string_view::npos ? first : text.find(',', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  return store::UsageKey{std::string(text.substr(0, first)), std::string(text.substr(first + 1, second - first - 1)),
                         std::string(text.substr(second + 1))};
}

}  // namespace

// One caller's, for a month at most: so many rows are read quickly, whoever they are of.
net::Task<void> UsageApi::send_hours(Call& call, const store::UsageFilter& filter, std::optional<CsvForm> form) {
  if (filter.caller.empty())
    co_return call.fail(ApiError{Cause::invalid_value, "by=hour is of one caller: scope=own, or caller=ID", "by"});
  const WallTime to = filter.to.value_or(desk_.context.clock.wall());
  if (!filter.from || to - *filter.from > limits::usage_hours_span_max)
    co_return call.fail(ApiError{Cause::invalid_value, "by=hour wants a from, at most 32 days before to", "from"});
  auto hours = co_await answer_of<store::Ledger::Hours>([&](auto then) { ledger_.hours(filter, std::move(then)); });
  if (!hours) co_return call.fail(hours.error());
  if (form) {
    std::string text = csv_head(csv_hour_head, *form);
    for (const store::UsageSum& sum : *hours) text += csv_line(sum, *form);
    co_return call.csv(text, "faelled-usage.csv", {});
  }
  call.json(200, one_json([&](json::Writer& out) {
              out.object().key("usage").array();
              for (const store::UsageSum& sum : *hours) write_sum(out, sum, {});
              out.close_array().member("next", nullptr).close_object();
            }));
}

// People and keys see their own; administrators their member's by person; auditors sums of all members, without
// persons; operators all.
net::Task<void> UsageApi::get_usage(Call& call) {
  const auto query = [&](std::string_view name) { return http::query_value(call.request.query, name); };
  const Visitor& visitor = call.visitor;
  const auto scope = scope_of(visitor, query("scope"));
  if (!scope) co_return call.fail(scope.error());
  store::UsageFilter filter;
  for (const auto& [name, into] : {std::pair("from", &filter.from), std::pair("to", &filter.to)}) {
    const auto time = time_of(call.request.query, name);
    if (!time) co_return call.fail(time.error());
    *into = *time;
  }
  if (const auto caller = visitor.caller(); caller && *scope != Scope::all) {
    filter.member = caller->member;
    if (*scope == Scope::own) filter.caller = caller->caller;
  } else {
    filter.member = query("member");
  }
  if (*scope != Scope::own && !visitor.is(store::Role::auditor)) filter.caller = query("caller");
  const auto wanted = form_of(call.request.query);
  if (!wanted) co_return call.fail(wanted.error(), "format");
  const std::optional<CsvForm> form = *wanted;
  const auto limit = limit_of(call.request.query, limits::usage_page_rows_max, limits::usage_page_rows_max);
  if (!limit) co_return call.fail(limit.error(), "limit");
  const std::string rows = query("rows");
  if (!rows.empty() && rows != "true" && rows != "false")
    co_return call.fail(ApiError{Cause::invalid_value, "rows is true or false", "rows"});
  filter.model = query("model");
  const std::string by = query("by");
  if (!by.empty() && by != "hour") co_return call.fail(ApiError{Cause::invalid_value, "by is hour", "by"});
  if (by == "hour") co_return co_await send_hours(call, filter, form);
  if (!filter.model.empty() && rows != "true")
    co_return call.fail(ApiError{Cause::invalid_value, "model goes with rows=true or by=hour", "model"});
  const bool sums_alone = visitor.is(store::Role::auditor) && *scope != Scope::own;
  if (rows == "true") {
    if (sums_alone) co_return call.fail(ApiError{Cause::forbidden, "An auditor sees sums.", "rows"});
    const std::string after = query("after");
    auto page = co_await answer_of<store::Ledger::Page>(
        [&](auto then) { ledger_.rows(filter, after, *limit, std::move(then)); });
    if (!page && page.error().code == Errc::not_found)
      co_return call.fail(ApiError{Cause::invalid_value, "after is the request_id of a row", "after"});
    if (!page) co_return call.fail(page.error());
    if (!form) co_return call.json(200, rows_json(*page));
    std::string text = after.empty() ? csv_head(csv_usage_head, *form) : std::string();
    for (const ledger::UsageRow& row : page->rows) text += csv_line(row, *form);
    co_return call.csv(text, "faelled-usage.csv", page->next);
  }
  std::optional<store::UsageKey> after;
  if (const std::string text = query("after"); !text.empty()) {
    // A page that begins behind a caller less one that begins behind the next is that caller's.
    if (sums_alone)
      co_return call.fail(
          ApiError{Cause::invalid_value, "an auditor's sums come on one page: leave after out", "after"});
    after = key_of(text);
    if (!after) co_return call.fail(ApiError{Cause::invalid_value, "after is the next of a page of sums", "after"});
  }
  auto sums =
      co_await answer_of<store::Ledger::Sums>([&](auto then) { ledger_.sums(filter, after, *limit, std::move(then)); });
  if (!sums) co_return call.fail(sums.error());
  if (sums_alone) {
    const auto own = visitor.caller();
    const auto merge = [&](const std::vector<store::UsageSum>& all) {
      return without_callers(all, desk_.context.catalogue, own ? std::string_view(own->member) : std::string_view());
    };
    // An auditor's page is all of it, without callers: there are few members and models.
    while (sums->next) {
      auto more = co_await answer_of<store::Ledger::Sums>(
          [&](auto then) { ledger_.sums(filter, sums->next, *limit, std::move(then)); });
      if (!more) co_return call.fail(more.error());
      sums->sums.insert(sums->sums.end(), more->sums.begin(), more->sums.end());
      sums->next = std::move(more->next);
      sums->sums = merge(sums->sums);
    }
    sums->sums = merge(sums->sums);
  }
  if (form) {
    std::string text = after ? std::string() : csv_head(csv_sum_head, *form);
    for (const store::UsageSum& sum : sums->sums) text += csv_line(sum, *form);
    co_return call.csv(text, "faelled-usage.csv", text_of(sums->next));
  }
  const auto name_of = [&](const std::string& caller) -> std::string {
    if (const auto user = desk_.directory.user(caller)) return user->name;
    if (const auto key = desk_.directory.key(caller)) return key->name;
    return {};
  };
  std::string body;
  json::Writer out(body);
  out.object().key("usage").array();
  for (const store::UsageSum& sum : sums->sums) write_sum(out, sum, name_of(sum.caller));
  out.close_array().member_or_null("next", text_of(sums->next)).close_object();
  call.json(200, body);
}

}  // namespace faelled::portal
