#include "portal/render.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

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

std::optional<int> digits(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || text[0] == '-') return std::nullopt;
  return value;
}

void write_time_or_null(json::Writer& out, std::string_view name, const std::optional<WallTime>& time) {
  if (time) {
    out.member(name, time_text(*time));
  } else {
    out.member(name, nullptr);
  }
}

}  // namespace

std::string time_text(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto us = (time - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), us / 3'600'000'000,
                     us / 60'000'000 % 60, us / 1'000'000 % 60, us % 1'000'000);
}

Expected<WallTime> parse_time(std::string_view text) {
  const auto wrong = [&] {
    return fail(Errc::invalid, fmt::format("'{}' is no time", text.substr(0, 40)),
                "write 2026-11-23 or 2026-11-23T16:33:07Z (UTC)");
  };
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return wrong();
  const auto year = digits(text.substr(0, 4)), month = digits(text.substr(5, 2)), day = digits(text.substr(8, 2));
  if (!year || !month || !day) return wrong();
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return wrong();
  WallTime time{std::chrono::sys_days(date)};
  if (text.size() == 10) return time;
  if (text.size() < 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text.back() != 'Z') return wrong();
  const auto hour = digits(text.substr(11, 2)), minute = digits(text.substr(14, 2)),
             second = digits(text.substr(17, 2));
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return wrong();
  time += std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
  if (text.size() > 20) {
    std::string fraction(text.substr(20, text.size() - 21));
    if (text[19] != '.' || fraction.empty() || fraction.size() > 6) return wrong();
    fraction.resize(6, '0');
    const auto us = digits(fraction);
    if (!us) return wrong();
    time += std::chrono::microseconds(*us);
  }
  return time;
}

void write_member(json::Writer& out, const store::MemberRow& row) {
  out.object()
      .member("id", row.id)
      .member("name", row.name)
      .member("created_at", time_text(row.created_at))
      .close_object();
}

void write_user(json::Writer& out, const store::UserRow& row) {
  out.object().member("id", row.id).member("name", row.name).member("member", row.member);
  out.key("roles").array().text("user").close_array();
  out.member("created_at", time_text(row.created_at)).close_object();
}

void write_key(json::Writer& out, const store::KeyRow& row, std::string_view secret) {
  out.object()
      .member("id", row.id)
      .member("name", row.name)
      .member("member", row.member)
      .member_or_null("user", row.user);
  if (!secret.empty()) out.member("secret", secret);
  out.member("created_at", time_text(row.created_at));
  write_time_or_null(out, "expires_at", row.expires_at);
  write_time_or_null(out, "revoked_at", row.revoked_at);
  write_time_or_null(out, "last_used_at", row.last_used_at);
  out.close_object();
}

void write_sum(json::Writer& out, const store::UsageSum& sum) {
  out.object()
      .member("member", sum.member)
      .member("caller", sum.caller)
      .member("model", sum.model)
      .member("requests", sum.requests)
      .member("input_tokens", sum.input_tokens)
      .member("cached_tokens", sum.cached_tokens)
      .member("output_tokens", sum.output_tokens)
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

void write_conversation(json::Writer& out, const store::Conversation& row, bool running) {
  out.object()
      .member("id", row.id)
      .member("title", row.title)
      .member("model", row.model)
      .member("created_at", time_text(row.created_at))
      .member("updated_at", time_text(row.updated_at))
      .member("running", running);
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
  out.member_or_null("request_id", row.request_id).close_object();
}

std::string csv_field(std::string_view text) {
  std::string out;
  if (!text.empty() && std::string_view("=+-@\t\r").contains(text[0])) out += '\'';
  out += text;
  if (out.find_first_of(",\"\r\n") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char c : out) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

const std::string_view csv_usage_head =
    "request_id,member,caller,key,user,model,started_at,input_tokens,cached_tokens,output_tokens,queue_us,load_us,"
    "engine_us,total_us,outcome,cause\r\n";
const std::string_view csv_sum_head = "member,caller,model,requests,input_tokens,cached_tokens,output_tokens\r\n";

std::string csv_line(const ledger::UsageRow& row) {
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n", row.request_id, csv_field(row.member),
                     csv_field(row.caller), csv_field(row.key), csv_field(row.user), csv_field(row.model),
                     time_text(row.started_at), row.input_tokens, row.cached_tokens, row.output_tokens, row.queue_us,
                     row.load_us, row.engine_us, row.total_us, ledger::name_of(row.outcome), csv_field(row.cause));
}

std::string csv_line(const store::UsageSum& sum) {
  return fmt::format("{},{},{},{},{},{},{}\r\n", csv_field(sum.member), csv_field(sum.caller), csv_field(sum.model),
                     sum.requests, sum.input_tokens, sum.cached_tokens, sum.output_tokens);
}

}  // namespace faelled::portal
