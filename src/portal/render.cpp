#include "portal/render.hpp"

#include <algorithm>

#include "base/time_text.hpp"
#include "members/roles.hpp"

namespace faelled::portal {
namespace {

std::string_view name_of(store::MessageState state) {
  switch (state) {
    case store::MessageState::done:
      return "done";
    case store::MessageState::running:
      return "running";
    case store::MessageState::stopped:
      return "stopped";
    case store::MessageState::failed:
      break;
  }
  return "failed";
}

void write_time_or_null(json::Writer& out, std::string_view name, const std::optional<WallTime>& time) {
  if (time) {
    out.member(name, time_text(*time));
  } else {
    out.member(name, nullptr);
  }
}

void write_models(json::Writer& out, const store::ModelList& models) {
  if (!models) {
    out.member("models", nullptr);
    return;
  }
  out.key("models").array();
  for (const std::string& id : *models) out.text(id);
  out.close_array();
}

void write_days_or_null(json::Writer& out, std::string_view name, const std::optional<std::uint32_t>& days) {
  if (days) {
    out.member(name, *days);
  } else {
    out.member(name, nullptr);
  }
}

std::string_view name_of(store::KeyOrigin origin) {
  switch (origin) {
    case store::KeyOrigin::person:
      return "person";
    case store::KeyOrigin::config:
      return "config";
    case store::KeyOrigin::imported:
      break;
  }
  return "imported";
}

std::string_view name_of(store::AuditOutcome outcome) {
  return outcome == store::AuditOutcome::done ? "done" : "refused";
}

}  // namespace

void write_member(json::Writer& out, const store::MemberRow& row) {
  out.object()
      .member("id", row.id)
      .member("name", row.name)
      .member("created_at", time_text(row.created_at))
      .close_object();
}

void write_policy(json::Writer& out, const store::MemberRow& row) {
  const store::Policy& policy = row.policy;
  out.object();
  write_models(out, policy.models);
  write_days_or_null(out, "retention_days", policy.retention_days);
  out.member("conversations", members::name_of(policy.conversations));
  write_days_or_null(out, "key_days_max", policy.key_days_max);
  out.member("key_makers", members::name_of(policy.key_makers)).member_or_null("contact", row.contact).close_object();
}

void write_user(json::Writer& out, const store::UserRow& row) {
  out.object()
      .member("id", row.id)
      .member("name", row.name)
      .member("member", row.member)
      .member("role", members::name_of(row.role))
      .member_or_null("email", row.email)
      .member_or_null("front_end", row.front_end)
      .member_or_null("external_id", row.external_id)
      .member("created_at", time_text(row.created_at));
  write_time_or_null(out, "disabled_at", row.disabled_at);
  write_time_or_null(out, "last_seen_at", row.last_seen_at);
  out.close_object();
}

void write_key(json::Writer& out, const store::KeyRow& row, std::string_view secret, std::string_view user_name) {
  out.object()
      .member("id", row.id)
      .member("name", row.name)
      .member("member", row.member)
      .member_or_null("user", row.user)
      .member_or_null("user_name", user_name);
  if (!secret.empty()) out.member("secret", secret);
  write_models(out, row.models);
  out.member("show_waiting", members::name_of(row.show_waiting))
      .member_or_null("front_end", row.front_end)
      .member("origin", name_of(row.origin))
      .member_or_null("rotated_from", row.rotated_from)
      .member_or_null("replaced_by", row.replaced_by)
      .member("created_at", time_text(row.created_at));
  write_time_or_null(out, "expires_at", row.expires_at);
  write_time_or_null(out, "revoked_at", row.revoked_at);
  write_time_or_null(out, "last_used_at", row.last_used_at);
  out.close_object();
}

void write_sum(json::Writer& out, const store::UsageSum& sum, std::string_view name) {
  out.object()
      .member("member", sum.member)
      .member_or_null("caller", sum.caller)
      .member_or_null("caller_name", name)
      .member("model", sum.model)
      .member("requests", sum.requests)
      .member("input_tokens", sum.input_tokens)
      .member("cached_tokens", sum.cached_tokens)
      .member("output_tokens", sum.output_tokens);
  if (sum.hour) out.member("hour", time_text(*sum.hour));
  out.close_object();
}

void write_audit(json::Writer& out, const store::AuditRow& row, std::string_view actor_name,
                 std::string_view object_name) {
  out.object()
      .member("id", row.id)
      .member("at", time_text(row.at))
      .member("actor_kind", members::name_of(row.actor_kind))
      .member_or_null("actor", row.actor)
      .member_or_null("actor_member", row.actor_member)
      .member_or_null("actor_name", actor_name)
      .member_or_null("peer", row.peer)
      .member("action", row.action)
      .member("object_kind", row.object_kind)
      .member_or_null("object", row.object)
      .member_or_null("object_member", row.object_member)
      .member_or_null("object_name", object_name)
      .member("outcome", name_of(row.outcome))
      .member_raw("before", row.before.empty() ? "null" : std::string_view(row.before))
      .member_raw("after", row.after.empty() ? "null" : std::string_view(row.after))
      .member_or_null("request_id", row.request_id)
      .member("times", row.times)
      .close_object();
}

void write_usage(json::Writer& out, const ledger::UsageRow& row) {
  out.object()
      .member("request_id", row.request_id)
      .member("member", row.member)
      .member("caller", row.caller)
      .member_or_null("key", row.key)
      .member_or_null("user", row.user)
      .member("model", row.model)
      .member("started_at", time_text(row.started_at))
      .member("input_tokens", row.input_tokens)
      .member("cached_tokens", row.cached_tokens)
      .member("output_tokens", row.output_tokens)
      .member("queue_us", row.queue_us)
      .member("load_us", row.load_us)
      .member("engine_us", row.engine_us)
      .member("total_us", row.total_us)
      .member("outcome", ledger::name_of(row.outcome))
      .member_or_null("cause", row.cause)
      .close_object();
}

std::string_view state_name(rpc::EngineState state) {
  switch (state) {
    case rpc::EngineState::absent:
      return "absent";
    case rpc::EngineState::starting:
      return "starting";
    case rpc::EngineState::ready:
      return "ready";
    case rpc::EngineState::draining:
      return "draining";
    case rpc::EngineState::asleep:
      return "asleep";
    case rpc::EngineState::waking:
      return "waking";
    case rpc::EngineState::fetching:
      return "fetching";
    case rpc::EngineState::failed:
      break;
  }
  return "failed";
}

void write_maintenance(json::Writer& out, const gateway::Maintenance& maintenance) {
  out.key("maintenance").object().member("on", maintenance.on);
  out.member_or_null("message", maintenance.message).member_or_null("message_da", maintenance.message_da);
  out.member_or_null("until", maintenance.until ? time_text(*maintenance.until) : "").close_object();
}

void write_notice(json::Writer& out, const Notice& notice) {
  out.object().member("id", notice.id).member("kind", name_of(notice.kind));
  out.member("message", notice.message).member("message_da", notice.message_da);
  out.member("from", time_text(notice.from));
  out.member_or_null("until", notice.until ? time_text(*notice.until) : "").close_object();
}

void write_conversation(json::Writer& out, const store::Conversation& row, bool running) {
  out.object()
      .member("id", row.id)
      .member("title", row.title)
      .member("model", row.model)
      .member("created_at", time_text(row.created_at))
      .member("updated_at", time_text(row.updated_at))
      .member_or_null("leaf", row.leaf)
      .member("running", running);
}

void write_limit(json::Writer& out, store::MessageLimit limit) {
  out.member_or_null("limit", limit == store::MessageLimit::tokens    ? "tokens"
                              : limit == store::MessageLimit::context ? "context"
                                                                      : "");
}

void write_tokens(json::Writer& out, const store::Message& answer) {
  if (answer.input_tokens == 0) {
    out.member("usage", nullptr);
    return;
  }
  out.key("usage")
      .object()
      .member("input_tokens", answer.input_tokens)
      .member("output_tokens", answer.output_tokens)
      .close_object();
}

void write_message(json::Writer& out, const store::Message& row) {
  out.object()
      .member("id", row.id)
      .member("role", row.role == store::MessageRole::user ? "user" : "assistant")
      .member("content", row.content)
      .member("created_at", time_text(row.created_at))
      .member_or_null("model", row.model)
      .member("state", name_of(row.state));
  if (row.error_message.empty()) {
    out.member("error", nullptr);
  } else {
    out.key("error")
        .object()
        .member("message", row.error_message)
        .member("message_da", row.error_message_da)
        .close_object();
  }
  out.member_or_null("request_id", row.request_id).member_or_null("parent", row.parent);
  write_limit(out, row.limit);
  write_tokens(out, row);
  out.member_or_null("rating", row.rating == store::Rating::up     ? "up"
                               : row.rating == store::Rating::down ? "down"
                                                                   : "")
      .member_or_null("rating_reason", row.rating_reason)
      .close_object();
}

const std::string_view csv_usage_head =
    "request_id,member,caller,key,user,model,started_at,input_tokens,cached_tokens,output_tokens,queue_us,load_us,"
    "engine_us,total_us,outcome,cause\r\n";
const std::string_view csv_sum_head = "member,caller,model,requests,input_tokens,cached_tokens,output_tokens\r\n";
const std::string_view csv_hour_head = "member,caller,model,requests,input_tokens,cached_tokens,output_tokens,hour\r\n";
const std::string_view csv_audit_head =
    "id,at,actor_kind,actor,actor_member,peer,action,object_kind,object,object_member,outcome,before,after,request_id,"
    "times\r\n";

std::string csv_head(std::string_view head, CsvForm form) {
  std::string out(csv_mark(form));
  out += head;
  if (form == CsvForm::excel) std::ranges::replace(out, ',', ';');
  return out;
}

std::string csv_line(const ledger::UsageRow& row, CsvForm form) {
  const auto n = [](auto number) { return std::to_string(number); };
  return csv_line(form,
                  {row.request_id, row.member, row.caller, row.key, row.user, row.model, time_text(row.started_at),
                   n(row.input_tokens), n(row.cached_tokens), n(row.output_tokens), n(row.queue_us), n(row.load_us),
                   n(row.engine_us), n(row.total_us), ledger::name_of(row.outcome), row.cause});
}

std::string csv_line(const store::UsageSum& sum, CsvForm form) {
  const auto n = [](auto number) { return std::to_string(number); };
  if (!sum.hour)
    return csv_line(form, {sum.member, sum.caller, sum.model, n(sum.requests), n(sum.input_tokens),
                           n(sum.cached_tokens), n(sum.output_tokens)});
  return csv_line(form, {sum.member, sum.caller, sum.model, n(sum.requests), n(sum.input_tokens), n(sum.cached_tokens),
                         n(sum.output_tokens), time_text(*sum.hour)});
}

std::string csv_line(const store::AuditRow& row, CsvForm form) {
  return csv_line(form, {row.id, time_text(row.at), members::name_of(row.actor_kind), row.actor, row.actor_member,
                         row.peer, row.action, row.object_kind, row.object, row.object_member, name_of(row.outcome),
                         row.before, row.after, row.request_id, std::to_string(row.times)});
}

}  // namespace faelled::portal
