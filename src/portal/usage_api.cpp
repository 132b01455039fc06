#include <fmt/format.h>

#include <charconv>

#include "base/limits.hpp"
#include "json/writer.hpp"
#include "portal/portal.hpp"
#include "portal/render.hpp"

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

std::string sums_json(const store::UsageSumPage& page) {
  std::string body;
  json::Writer out(body);
  out.object().key("usage").array();
  for (const store::UsageSum& sum : page.sums) write_sum(out, sum);
  out.close_array().member_or_null("next", text_of(page.next)).close_object();
  return body;
}

}  // namespace

// The operator sees all, a person their own, a key its caller's.
net::Task<void> Portal::get_usage(Call& call) {
  const auto query = [&](std::string_view name) { return http::query_value(call.request.query, name); };
  store::UsageFilter filter;
  for (const auto& [name, into] : {std::pair("from", &filter.from), std::pair("to", &filter.to)}) {
    const std::string text = query(name);
    if (text.empty()) continue;
    auto time = parse_time(text);
    if (!time)
      co_return call.fail(ApiError{Cause::invalid_value, time.error().message + "; " + time.error().hint, name});
    *into = *time;
  }
  filter.member = query("member");
  if (!call.visitor.owner) {
    filter.member = call.visitor.session ? call.visitor.session->member.id : call.visitor.key->member;
    filter.caller = call.visitor.session ? call.visitor.session->user.id : call.visitor.key->caller;
  }
  const std::string format = query("format");
  if (!format.empty() && format != "json" && format != "csv")
    co_return call.fail(ApiError{Cause::invalid_value, "format is json or csv", "format"});
  const bool csv = format == "csv";
  std::size_t limit = limits::usage_page_rows_max;
  if (const std::string text = query("limit"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc() || *end != 0 || limit < 1 || limit > limits::usage_page_rows_max)
      co_return call.fail(ApiError{Cause::invalid_value,
                                   fmt::format("limit is a whole number from 1 to {}", limits::usage_page_rows_max),
                                   "limit"});
  }
  const auto send_csv = [&](std::string_view text, std::string_view next) {
    std::string headers = fmt::format(
        "Content-Type: text/csv; charset=utf-8\r\nContent-Disposition: attachment; filename=\"faelled-usage.csv\"\r\n"
        "Cache-Control: no-store\r\nx-request-id: {}\r\n",
        call.request_id);
    if (!next.empty()) headers += fmt::format("x-next: {}\r\n", next);
    call.reply.send(200, headers, text);
  };
  const std::string rows = query("rows");
  if (!rows.empty() && rows != "true" && rows != "false")
    co_return call.fail(ApiError{Cause::invalid_value, "rows is true or false", "rows"});
  if (rows == "true") {
    const std::string after = query("after");
    auto page = co_await answer_of<store::Ledger::Page>(
        [&](auto then) { p_.ledger.rows(filter, after, limit, std::move(then)); });
    if (!page && page.error().code == Errc::not_found)
      co_return call.fail(ApiError{Cause::invalid_value, "after is the request_id of a row", "after"});
    if (!page) co_return call.fail(page.error());
    if (!csv) co_return call.json(200, rows_json(*page));
    std::string text(after.empty() ? csv_usage_head : std::string_view());
    for (const ledger::UsageRow& row : page->rows) text += csv_line(row);
    co_return send_csv(text, page->next);
  }
  std::optional<store::UsageKey> after;
  if (const std::string text = query("after"); !text.empty()) {
    after = key_of(text);
    if (!after) co_return call.fail(ApiError{Cause::invalid_value, "after is the next of a page of sums", "after"});
  }
  auto sums = co_await answer_of<store::Ledger::Sums>(
      [&](auto then) { p_.ledger.sums(filter, after, limit, std::move(then)); });
  if (!sums) co_return call.fail(sums.error());
  if (!csv) co_return call.json(200, sums_json(*sums));
  std::string text(after ? std::string_view() : csv_sum_head);
  for (const store::UsageSum& sum : sums->sums) text += csv_line(sum);
  send_csv(text, text_of(sums->next));
}

}  // namespace faelled::portal
