#include "store/sql/columns.hpp"

#include <algorithm>
#include <limits>

#include "store/lines.hpp"

namespace faelled::store::sql {
namespace {

ModelList read_models(Row& row) {
  const std::optional<std::string> text = row.maybe_text();
  if (!text) return std::nullopt;
  return ids_in(*text);
}

std::optional<std::uint32_t> maybe_count(Row& row) {
  const auto number = row.maybe_number();
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

void Row::fixed(std::span<std::byte> out) {
  const std::vector<std::byte> bytes = blob();
  std::copy_n(bytes.begin(), std::min(bytes.size(), out.size()), out.begin());
}

std::int64_t from_us(const std::optional<WallTime>& from) {
  return from ? unix_micros(*from) : std::numeric_limits<std::int64_t>::min();
}

std::int64_t to_us(const std::optional<WallTime>& to) {
  return to ? unix_micros(*to) : std::numeric_limits<std::int64_t>::max();
}

ledger::UsageRow read_usage(Row& row) {
  ledger::UsageRow out;
  out.request_id = row.text();
  out.member = row.text();
  out.caller = row.text();
  out.key = row.text();
  out.user = row.text();
  out.model = row.text();
  out.started_at = row.time();
  out.input_tokens = static_cast<std::uint32_t>(row.number());
  out.cached_tokens = static_cast<std::uint32_t>(row.number());
  out.output_tokens = static_cast<std::uint32_t>(row.number());
  out.queue_us = row.number();
  out.load_us = row.number();
  out.engine_us = row.number();
  out.total_us = row.number();
  out.outcome = static_cast<ledger::Outcome>(row.number());
  out.cause = row.text();
  return out;
}

UsageSum read_usage_sum(Row& row) {
  UsageSum sum;
  sum.member = row.text();
  sum.caller = row.text();
  sum.model = row.text();
  sum.requests = static_cast<std::uint64_t>(row.number());
  sum.input_tokens = static_cast<std::uint64_t>(row.number());
  sum.cached_tokens = static_cast<std::uint64_t>(row.number());
  sum.output_tokens = static_cast<std::uint64_t>(row.number());
  return sum;
}

MemberRow read_member(Row& row) {
  MemberRow out;
  out.id = row.text();
  out.name = row.text();
  out.created_at = row.time();
  out.policy.models = read_models(row);
  out.policy.retention_days = maybe_count(row);
  out.policy.conversations = static_cast<ConversationPlace>(row.number());
  out.policy.key_days_max = maybe_count(row);
  out.policy.key_makers = static_cast<KeyMakers>(row.number());
  out.contact = row.text();
  return out;
}

UserRow read_user(Row& row) {
  UserRow out;
  out.id = row.text();
  out.member = row.text();
  out.name = row.text();
  out.created_at = row.time();
  out.role = static_cast<Role>(row.number());
  out.email = row.text();
  out.origin = static_cast<UserOrigin>(row.number());
  out.front_end = row.text();
  out.external_id = row.text();
  out.disabled_at = row.maybe_time();
  out.last_seen_at = row.maybe_time();
  return out;
}

KeyRow read_key(Row& row) {
  KeyRow out;
  out.id = row.text();
  row.fixed(out.hash);
  out.member = row.text();
  out.user = row.text();
  out.name = row.text();
  out.created_at = row.time();
  out.expires_at = row.maybe_time();
  out.revoked_at = row.maybe_time();
  out.last_used_at = row.maybe_time();
  out.origin = static_cast<KeyOrigin>(row.number());
  out.revoked_by = static_cast<RevokedBy>(row.number());
  out.models = read_models(row);
  out.show_waiting = static_cast<ShowWaiting>(row.number());
  out.front_end = row.text();
  out.rotated_from = row.text();
  out.replaced_by = row.text();
  return out;
}

SessionRow read_session(Row& row) {
  SessionRow out;
  row.fixed(out.hash);
  out.user = row.text();
  out.created_at = row.time();
  out.expires_at = row.time();
  return out;
}

SettingRow read_setting(Row& row) {
  SettingRow out;
  out.key = row.text();
  out.value = row.text();
  out.updated_at = row.time();
  return out;
}

NamedRow read_named(Row& row) {
  NamedRow out;
  out.name = row.text();
  out.version = static_cast<std::uint64_t>(row.number());
  out.value = row.text();
  out.updated_at = row.time();
  return out;
}

TierRow read_tier(Row& row) {
  TierRow out;
  out.id = row.text();
  out.name = row.text();
  out.share = maybe_count(row);
  out.places = static_cast<std::uint32_t>(row.number());
  out.wait_s = maybe_count(row);
  out.models = ids_in(row.text());
  out.fee_ore = row.maybe_number();
  out.updated_at = row.time();
  return out;
}

AgreementRow read_agreement(Row& row) {
  const auto day_of = [](std::int64_t number) { return Day(std::chrono::days(number)); };
  AgreementRow out;
  out.id = row.text();
  out.member = row.text();
  out.tier = row.text();
  out.from = day_of(row.number());
  if (const auto until = row.maybe_number()) out.until = day_of(*until);
  out.share = static_cast<std::uint32_t>(row.number());
  out.places = static_cast<std::uint32_t>(row.number());
  out.wait_s = maybe_count(row);
  out.models = ids_in(row.text());
  out.fee_ore = row.number();
  out.inhabitants = static_cast<std::uint32_t>(row.number());
  out.suspended = row.number() != 0;
  out.reason_da = row.text();
  out.reason_en = row.text();
  out.follows = row.text();
  out.begins_at = row.time();
  out.made_at = row.time();
  out.made_by_kind = static_cast<ActorKind>(row.number());
  out.made_by = row.text();
  out.ended_at = row.maybe_time();
  out.ended_by_kind = static_cast<ActorKind>(row.number());
  out.ended_by = row.text();
  return out;
}

}  // namespace faelled::store::sql
