#include "portal/commons_api.hpp"

#include <fmt/format.h>

#include "base/time_text.hpp"
#include "gateway/refusal_words.hpp"
#include "json/writer.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

std::string_view name_of(rpc::WaitCause cause) {
  switch (cause) {
    case rpc::WaitCause::none:
      break;
    case rpc::WaitCause::model_not_ready:
      return "model_not_ready";
    case rpc::WaitCause::places:
      return "places";
    case rpc::WaitCause::colleagues:
      return "colleagues";
    case rpc::WaitCause::floor_claims:
      return "floor_claims";
    case rpc::WaitCause::borrowing:
      return "borrowing";
  }
  return "none";
}

// Work in hours of the member's own entitlement: what people can picture. Nothing where it is entitled to nothing yet.
void write_hours(json::Writer& out, std::string_view key, std::int64_t work, std::int64_t entitled_per_s) {
  out.key(key);
  if (entitled_per_s <= 0)
    out.null();
  else
    out.number(static_cast<double>(work) / static_cast<double>(entitled_per_s) / 3600);
}

// `wait_max`: how long its tickets wait in line at most.
void write_share(json::Writer& out, const rpc::MemberShare& share, std::string_view name, Duration wait_max) {
  out.member("member", share.member)
      .member("name", name)
      .member("share", share.share)
      .member("shares_all", share.shares_all)
      .member("places", share.places)
      .member("places_max", share.places_max)
      .member("waiting", share.waiting)
      .member("running", share.running)
      .member("recent", share.recent)
      .member("floor", share.floor)
      .member("entitled_per_s", share.entitled_per_s)
      .member("delivered", share.delivered)
      .member("lent", share.lent)
      .member("borrowed", share.borrowed)
      .member("credit", share.credit);
  write_hours(out, "lent_hours", share.lent, share.entitled_per_s);
  write_hours(out, "borrowed_hours", share.borrowed, share.entitled_per_s);
  out.member("wait_p50_ms", to_millis(share.wait_p50))
      .member("wait_p95_ms", to_millis(share.wait_p95))
      .member("wait_max_ms", to_millis(wait_max));
}

// Nothing but `running` before the first one has ended.
void write_check(json::Writer& out, const DecisionCheck& check) {
  out.object().member("running", check.running());
  const std::optional<CheckFindings>& last = check.last();
  const auto figure = [&](std::string_view name, std::uint64_t CheckFindings::* of) {
    out.key(name);
    last ? out.unsigned_integer(*last.*of) : out.null();
  };
  const auto time = [&](std::string_view name, const std::optional<WallTime>& at) {
    out.member_or_null(name, at ? time_text(*at) : "");
  };
  time("checked_at", last ? std::optional(last->checked_at) : std::nullopt);
  time("from", last ? last->from : std::nullopt);
  time("to", last ? last->to : std::nullopt);
  figure("events", &CheckFindings::events);
  figure("skipped", &CheckFindings::skipped);
  figure("floor_violations", &CheckFindings::floor_violations);
  figure("violations", &CheckFindings::violations);
  figure("differing", &CheckFindings::differing);
  figure("faults", &CheckFindings::faults);
  out.key("first_faults").array();
  if (last)
    for (const std::string& fault : last->first_faults) out.text(fault);
  out.close_array().close_object();
}

// Zero of nothing is not zero: none where no decision could be made again.
std::optional<std::uint64_t> floor_violations(const DecisionCheck* check) {
  if (check == nullptr || !check->last()) return std::nullopt;
  const CheckFindings& last = *check->last();
  return last.events == 0 && last.skipped > 0 ? std::nullopt : std::optional(last.floor_violations);
}

std::string name_of_member(const members::Directory& directory, std::string_view id) {
  const auto member = directory.member(id);
  return member ? member->name : std::string(id);
}

}  // namespace

// Only whose it is may look at it, and those who look after that member.
net::Task<void> CommonsApi::get_ticket(Call& call) {
  const auto status = desk_.context.mesh.ticket(call.id);
  const Visitor& visitor = call.visitor;
  bool may = visitor.over_all();
  if (status && visitor.session)
    may = may || visitor.session->user.id == status->caller ||
          (visitor.session->member.id == status->member && visitor.is(store::Role::member_admin));
  if (status && visitor.key) may = may || visitor.key->caller == status->caller;
  if (!status || !may)
    co_return call.fail(
        ApiError{Cause::not_found, "There is no such ticket now: it has ended, or its x-request-id is another one."});
  std::string body;
  json::Writer out(body);
  out.object()
      .member("id", status->request_id)
      .member("model", status->model)
      .member("lane", status->lane == rpc::Lane::batch ? "batch" : "interactive")
      .member("state", status->running ? "running" : "waiting")
      .member("cause", name_of(status->cause))
      .member("position", status->position)
      .member("share_percent", status->share_percent)
      .member("waited_ms", to_millis(status->waited))
      .member("turn_in_ms", to_millis(status->turn_in));
  const gateway::Words words =
      status->running ? gateway::Words{"It runs", "Den er i gang"} : gateway::words_of(*status);
  out.member("message", words.en + ".").member("message_da", words.da + ".").close_object();
  call.json(200, body);
}

// As its agreement says, or else the server's.
Duration CommonsApi::wait_max_of(std::string_view member) const {
  const auto* agreement = desk_.directory.agreements().in_force(member, desk_.context.clock.wall());
  return agreement != nullptr && agreement->wait_s ? Duration(std::chrono::seconds(*agreement->wait_s))
                                                   : desk_.context.settings.wait_max;
}

net::Task<void> CommonsApi::get_share(Call& call) {
  if (shares_ == nullptr) co_return call.fail(ApiError{Cause::not_found, "This server has no commons."});
  std::string member = http::query_value(call.request.query, "member");
  const std::string own = call.visitor.session ? call.visitor.session->member.id
                          : call.visitor.key   ? call.visitor.key->member
                                               : std::string();
  if (member.empty()) member = own;
  if (member.empty()) co_return call.fail(ApiError{Cause::missing_value, "Say which member with ?member=.", "member"});
  if (member != own && !call.visitor.over_all())
    co_return call.fail(ApiError{Cause::forbidden, "Another member's share is not for you to see.", "member"});
  if (!desk_.directory.member(member))
    co_return call.fail(ApiError{Cause::not_found, "There is no member '" + member + "'.", "member"});
  rpc::MemberShare share = shares_->share(member).value_or(rpc::MemberShare{});
  share.member = member;
  std::string body;
  json::Writer out(body);
  out.object();
  write_share(out, share, name_of_member(desk_.directory, member), wait_max_of(member));
  out.key("past").array();
  for (const rpc::ShareSample& sample : shares_->past(member))
    out.object()
        .member("from", time_text(sample.from))
        .member("entitled", sample.entitled)
        .member("own", sample.own)
        .member("lent", sample.lent)
        .member("borrowed", sample.borrowed)
        .member("wait_p50_ms", to_millis(sample.wait_p50))
        .member("wait_p95_ms", to_millis(sample.wait_p95))
        .close_object();
  out.close_array().close_object();
  call.json(200, body);
}

net::Task<void> CommonsApi::list_shares(Call& call) {
  if (shares_ == nullptr) co_return call.fail(ApiError{Cause::not_found, "This server has no commons."});
  std::string body;
  json::Writer out(body);
  out.object().key("members").array();
  for (const rpc::MemberShare& share : shares_->shares()) {
    out.object();
    write_share(out, share, name_of_member(desk_.directory, share.member), wait_max_of(share.member));
    out.close_object();
  }
  out.close_array().key("floor_violations");
  const auto violations = floor_violations(check_);
  violations ? out.unsigned_integer(*violations) : out.null();
  out.key("check");
  if (check_ == nullptr)
    out.null();
  else
    write_check(out, *check_);
  out.close_object();
  call.json(200, body);
}

// Begun when its audit row is written; whoever asks looks at the shares for what it finds. Of two that come at once the
// second has its row too, and one of its refusal.
net::Task<void> CommonsApi::check_shares(Call& call) {
  if (check_ == nullptr) co_return call.fail(ApiError{Cause::not_found, "This server keeps no log of decisions."});
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  if (auto done = fields->finish(); !done) co_return call.fail(done.error());
  const auto runs_already = [&] {
    call.fail(ApiError{Cause::conflict,
                       "A check runs already; wait for what it finds.",
                       {},
                       {},
                       "Der kontrolleres allerede. Vent på, hvad der bliver fundet."});
  };
  if (check_->running()) co_return runs_already();
  const auto begun = co_await desk_.order(call, "share.check", {}, [this] { return check_->begin(); });
  if (!begun) co_return call.fail(begun.error());
  if (!*begun && begun->error().code == Errc::conflict) co_return runs_already();
  if (!*begun) co_return call.fail(begun->error());
  std::string body;
  json::Writer out(body);
  write_check(out, *check_);
  call.json(202, body);
}

}  // namespace faelled::portal
