#include "portal/audit_api.hpp"

#include <fmt/format.h>

#include "json/writer.hpp"
#include "portal/answers.hpp"
#include "portal/render.hpp"
#include "portal/times.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

constexpr std::size_t page_rows = 100;

}  // namespace

// A member's administrators and auditors see what was done to what is the member's, and by its own people; operators
// all.
net::Task<void> AuditApi::get_audit(Call& call) {
  const auto query = [&](std::string_view name) { return http::query_value(call.request.query, name); };
  store::AuditFilter filter;
  for (const auto& [name, into] : {std::pair("from", &filter.from), std::pair("to", &filter.to)}) {
    const auto time = time_of(call.request.query, name);
    if (!time) co_return call.fail(time.error());
    *into = *time;
  }
  const auto limit = limit_of(call.request.query, page_rows, limits::audit_page_rows_max);
  if (!limit) co_return call.fail(limit.error(), "limit");
  const auto wanted = form_of(call.request.query);
  if (!wanted) co_return call.fail(wanted.error(), "format");
  const std::optional<CsvForm> form = *wanted;
  filter.member = call.visitor.over_all() ? query("member") : call.visitor.session->member.id;
  filter.actor = query("actor");
  filter.action = query("action");
  filter.object = query("object");
  const std::string before = query("before");
  auto page = co_await desk_.on_store<store::AuditPage>(
      [filter, before, limit = *limit](store::Store& s, store::Conversations&) {
        return s.audit(filter, before, limit);
      });
  if (!page && page.error().code == Errc::not_found)
    co_return call.fail(ApiError{Cause::invalid_value, "before is the id of a row", "before"});
  if (!page) co_return call.fail(page.error());
  // A definition names what is for other members; it concerns those who look after all models. So does the name of one
  // that is for others, or was when it was removed: who asks for its rows finds as many as of one that never was.
  if (!call.visitor.over_all()) {
    const auto of_a_model = [](const store::AuditRow& row) {
      return row.action.starts_with("model.") || row.action.starts_with("alias.");
    };
    const auto offered = [&](const std::string& name) {
      const auto asked = desk_.context.catalogue.asked(name);
      return asked.model != nullptr && asked.is_for(call.visitor.session->member.id);
    };
    if (!filter.object.empty())
      std::erase_if(page->rows, [&](const store::AuditRow& row) { return of_a_model(row) && !offered(row.object); });
    for (store::AuditRow& row : page->rows) {
      if (!of_a_model(row)) continue;
      row.before = row.after = {};
      if (!offered(row.object)) row.object.clear();
    }
  }
  if (form) {
    std::string text = before.empty() ? csv_head(csv_audit_head, *form) : std::string();
    for (const store::AuditRow& row : page->rows) text += csv_line(row, *form);
    co_return call.csv(text, "faelled-audit.csv", page->next);
  }
  // Names as they are now, and of the reader's own member alone: a row holds ids, so that people can be forgotten.
  const auto name_of = [&](const std::string& id) -> std::string {
    const auto visible = [&](const std::string& member) {
      return call.visitor.over_all() || member == call.visitor.session->member.id;
    };
    if (const auto user = desk_.directory.user(id)) return visible(user->member) ? user->name : "";
    if (const auto key = desk_.directory.key(id)) return visible(key->member) ? key->name : "";
    return {};
  };
  call.json(200, one_json([&](json::Writer& out) {
              out.object().key("rows").array();
              for (const store::AuditRow& row : page->rows)
                write_audit(out, row, name_of(row.actor), name_of(row.object));
              out.close_array().member_or_null("next", page->next).close_object();
            }));
}

}  // namespace faelled::portal
