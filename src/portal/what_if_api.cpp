// What if a member asked for more? The simulator's answer on the demand that the ledger has recorded.
#include <fmt/format.h>

#include "base/limits.hpp"
#include "base/time_text.hpp"
#include "json/writer.hpp"
#include "portal/commons_api.hpp"
#include "portal/render.hpp"
#include "sim/what_if.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

struct Wish {
  std::string member;
  double factor = 1;
  std::uint32_t users_more = 0;
  std::int64_t hours = 24;
};

Expected<Wish> wish_of(json::Fields& fields) {
  Wish wish;
  auto member = fields.text("member");
  if (!member) return std::unexpected(member.error());
  wish.member = std::move(*member);
  const auto factor = fields.maybe_number("factor", 0, limits::what_if_factor_max);
  if (!factor) return std::unexpected(factor.error());
  wish.factor = factor->value_or(1);
  const auto users = fields.maybe_integer("users_more", 0, limits::what_if_users_max);
  if (!users) return std::unexpected(users.error());
  wish.users_more = static_cast<std::uint32_t>(users->value_or(0));
  const auto hours = fields.maybe_integer("hours", 1, 24);
  if (!hours) return std::unexpected(hours.error());
  wish.hours = hours->value_or(24);
  if (auto done = fields.finish(); !done) return std::unexpected(done.error());
  return wish;
}

// An adapter is answered by its base's engine; what is no longer there stands for itself.
std::string engine_of(const gateway::Catalogue& catalogue, const std::string& model) {
  std::string base = catalogue.base_of(model);
  if (base.empty()) base = model.substr(0, model.rfind(':'));
  return catalogue.has(base) ? base : model;
}

sim::Recorded recorded(const ledger::UsageRow& row, const gateway::Catalogue& catalogue, WallTime from) {
  sim::Recorded out;
  out.at = std::max(Duration{}, Duration(row.started_at - from));
  out.member = row.member;
  out.caller = row.caller;
  out.model = engine_of(catalogue, row.model);
  out.person = !row.user.empty();
  out.input_tokens = row.input_tokens - std::min(row.input_tokens, row.cached_tokens);
  out.output_tokens = row.output_tokens;
  out.waited = std::chrono::microseconds(std::max<std::int64_t>(0, row.queue_us + row.load_us));
  out.engine = std::chrono::microseconds(std::max<std::int64_t>(0, row.engine_us));
  return out;
}

void write_fared(json::Writer& out, std::string_view name, const sim::WhatIfAnswer::Fared& fared) {
  out.key(name)
      .object()
      .member("requests", fared.requests)
      .member("unserved", fared.unserved)
      .member("demanded", fared.demanded)
      .member("served", fared.served);
  for (const auto& [key, wait] : {std::pair("wait_p50_ms", fared.wait_p50), std::pair("wait_p95_ms", fared.wait_p95)})
    if (wait)
      out.member(key, to_millis(*wait));
    else
      out.member(key, nullptr);
  out.close_object();
}

}  // namespace

// Reads a page of rows at a time, and computes beside the loop. Of rows that are too many the first are played.
net::Task<void> CommonsApi::what_if(Call& call) {
  if (shares_ == nullptr) co_return call.fail(ApiError{Cause::not_found, "This server has no commons."});
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  const auto wish = wish_of(*fields);
  if (!wish) co_return call.fail(wish.error());
  if (!desk_.directory.member(wish->member))
    co_return call.fail(ApiError{Cause::not_found, "There is no such member.", "member"});

  const WallTime to = desk_.context.clock.wall();
  store::UsageFilter filter;
  filter.from = to - std::chrono::hours(wish->hours);
  filter.to = to;
  sim::WhatIf question;
  WallTime last = *filter.from;
  bool shortened = false;
  for (std::string after;;) {
    auto page = co_await answer_of<store::Ledger::Page>(
        [&](auto then) { ledger_.rows(filter, after, limits::usage_page_rows_max, std::move(then)); });
    if (!page) co_return call.fail(page.error());
    for (const ledger::UsageRow& row : page->rows) {
      last = std::max(last, row.started_at);
      question.recorded.push_back(recorded(row, desk_.context.catalogue, *filter.from));
    }
    after = page->next;
    shortened = !after.empty() && question.recorded.size() + limits::usage_page_rows_max > limits::what_if_rows_max;
    if (after.empty() || shortened) break;
  }
  const std::size_t rows = question.recorded.size();
  const WallTime until = shortened ? last : to;
  question.window = until - *filter.from;
  for (const rpc::ModelStatus& model : desk_.context.mesh.models())
    question.models.push_back({model.model, model.places});
  question.others.wait_max = desk_.context.settings.wait_max;
  for (const rpc::MemberShare& share : shares_->shares())
    question.members.push_back({share.member,
                                static_cast<std::uint32_t>(std::clamp<std::uint64_t>(share.share, 1, UINT32_MAX)),
                                wait_max_of(share.member)});
  question.member = wish->member;
  question.factor = wish->factor;
  question.users_more = wish->users_more;

  const auto answer = co_await answer_of<Expected<sim::WhatIfAnswer>>([&](auto then) {
    aside_.ask<sim::WhatIfAnswer>([question = std::move(question)] { return sim::what_if(question); }, std::move(then));
  });
  if (!answer && answer.error().code == Errc::too_large)
    co_return call.fail(
        ApiError{Cause::conflict,
                 fmt::format("{}; {}.", answer.error().message, answer.error().hint),
                 {},
                 {},
                 "Det bliver for mange spørgsmål at regne på. Prøv med færre brugere eller færre timer."});
  if (!answer && answer.error().code == Errc::exhausted)
    co_return call.fail(ApiError{Cause::queue_full,
                                 fmt::format("{}; {}.", answer.error().message, answer.error().hint),
                                 {},
                                 5s,
                                 "Der regnes på et andet spørgsmål lige nu. Prøv igen om lidt."});
  if (!answer) co_return call.fail(answer.error());

  std::string body;
  json::Writer out(body);
  out.object()
      .member("from", time_text(*filter.from))
      .member("to", time_text(until))
      .member("rows", rows)
      .member("shortened", shortened)
      .member("users", answer->users)
      .key("models")
      .array();
  for (const sim::WhatIfAnswer::Speed& speed : answer->models)
    out.object()
        .member("model", speed.model)
        .member("places", speed.places)
        .member("input_token_ms", speed.input_token_s * 1000)
        .member("output_token_ms", speed.output_token_s * 1000)
        .member("measured", speed.measured)
        .close_object();
  out.close_array().key("members").array();
  for (const sim::WhatIfAnswer::Member& member : answer->members) {
    const auto known = desk_.directory.member(member.id);
    out.object().member("member", member.id).member("name", known ? known->name : member.id);
    write_fared(out, "before", member.before);
    write_fared(out, "after", member.after);
    out.close_object();
  }
  out.close_array().close_object();
  call.json(200, body);
}

}  // namespace faelled::portal
