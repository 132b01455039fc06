#include "portal/front_ends_api.hpp"

#include "base/time_text.hpp"
#include "front_ends/front_ends.hpp"
#include "json/writer.hpp"
#include "portal/render.hpp"

namespace faelled::portal {
namespace {

using openai::ApiError;
using openai::Cause;

void write_texts(json::Writer& out, std::string_view name, const std::vector<std::string>& texts) {
  out.key(name).array();
  for (const std::string& text : texts) out.text(text);
  out.close_array();
}

void write_front_end(json::Writer& out, const front_ends::FrontEnd& one) {
  out.object().member("name", one.name).key("key");
  if (one.key_name.empty()) {
    out.null();
  } else {
    out.object().member("member", one.key_member).member("name", one.key_name).close_object();
  }
  out.member_or_null("certificate", one.certificate)
      .member_or_null("token_header", one.token.secrets.empty() ? std::string_view() : one.token_header)
      .member("without_person", one.key_without_person ? "key" : "refuse");
  write_texts(out, "members", one.members.members());
  out.close_object();
}

void write_time(json::Writer& out, std::string_view name, const std::optional<WallTime>& time) {
  out.member_or_null(name, time ? time_text(*time) : std::string());
}

void write_trial(json::Writer& out, const front_ends::Trial& trial) {
  out.object()
      .member("front_end", trial.front_end)
      .member("believed", trial.token.believed())
      .member("why", front_ends::words_of(trial.token.fault))
      .member_or_null("issuer", trial.token.issuer);
  write_time(out, "issued_at", trial.token.issued_at);
  write_time(out, "expires_at", trial.token.expires_at);
  out.key("person");
  if (const auto& person = trial.token.person) {
    out.object()
        .member("subject", person->subject)
        .member("email", person->email)
        .member("name", person->name)
        .member("role", person->role);
    write_texts(out, "groups", person->groups);
    out.close_object();
  } else {
    out.null();
  }
  out.member_or_null("member", trial.member.member)
      .member("member_why", trial.member.why)
      .member_or_null("user", trial.user)
      .member("user_known", trial.user_known)
      .member("user_closed", trial.user_closed)
      .close_object();
}

}  // namespace

net::Task<void> FrontEndsApi::list_front_ends(Call& call) {
  std::string body;
  json::Writer out(body);
  out.object().key("front_ends").array();
  if (front_ends_ != nullptr)
    for (const front_ends::FrontEnd& one : front_ends_->all()) write_front_end(out, one);
  out.close_array().close_object();
  call.json(200, body);
  co_return;
}

net::Task<void> FrontEndsApi::test_front_end(Call& call) {
  auto fields = desk_.body_of(call);
  if (!fields) co_return call.fail(fields.error());
  auto token = fields->text("token");
  auto front_end = fields->maybe_text("front_end");
  if (!token) co_return call.fail(token.error(), "token");
  if (!front_end) co_return call.fail(front_end.error(), "front_end");
  if (auto all = fields->finish(); !all) co_return call.fail(all.error());
  if (front_ends_ == nullptr)
    co_return call.fail(
        ApiError{Cause::not_found, "There are no front ends; front_ends in the configuration names them."});
  auto trial = front_ends_->try_token(front_end->value_or(""), *token, desk_.context.clock.wall());
  if (!trial) co_return call.fail(trial.error(), "front_end");
  std::string body;
  json::Writer out(body);
  write_trial(out, *trial);
  call.json(200, body);
}

}  // namespace faelled::portal
