// Rows from a result's columns, in the order that stands before each.
#pragma once

#include "store/rows.hpp"
#include "store/sql/connection.hpp"
#include "store/sql/statement.hpp"

namespace faelled::store::sql {

inline std::span<const std::byte> blob(const Digest& digest) { return digest; }
inline std::span<const std::byte> blob(const Bytes& bytes) { return bytes; }

// As a column has it: days since 1970.
inline std::int64_t day_number(Day day) { return day.time_since_epoch().count(); }
inline std::optional<std::int64_t> day_number(const std::optional<Day>& day) {
  if (!day) return std::nullopt;
  return day_number(*day);
}

// An absent bound as one that every time keeps: the statement stays the same, and so prepared.
std::int64_t from_us(const std::optional<WallTime>& from);
std::int64_t to_us(const std::optional<WallTime>& to);

// request_id, member, caller, key, "user", model, started_at, input_tokens, cached_tokens, output_tokens, queue_us,
// load_us, engine_us, total_us, outcome, cause
ledger::UsageRow read_usage(Row& row);
// member, caller, model, requests, input_tokens, cached_tokens, output_tokens
UsageSum read_usage_sum(Row& row);

inline constexpr Part member_columns(
    "id, name, created_at, models, retention_days, conversations, key_days_max, key_makers, contact");
MemberRow read_member(Row& row);

inline constexpr Part user_columns(
    "id, member, name, created_at, role, email, origin, front_end, external_id, disabled_at, last_seen_at");
UserRow read_user(Row& row);

inline constexpr Part key_columns(
    "id, hash, member, \"user\", name, created_at, expires_at, revoked_at, last_used_at, origin, revoked_by, models, "
    "show_waiting, front_end, rotated_from, replaced_by");
KeyRow read_key(Row& row);

inline constexpr Part session_columns("hash, \"user\", created_at, expires_at");
SessionRow read_session(Row& row);

inline constexpr Part setting_columns("key, value, updated_at");
SettingRow read_setting(Row& row);

inline constexpr Part named_columns("name, version, value, updated_at");
NamedRow read_named(Row& row);

inline constexpr Part tier_columns("id, name, share, places, wait_s, models, fee_ore, updated_at");
TierRow read_tier(Row& row);

inline constexpr Part agreement_columns(
    "id, member, tier, from_day, until_day, share, places, wait_s, models, fee_ore, inhabitants, suspended, reason_da, "
    "reason_en, follows, begins_at, made_at, made_by_kind, made_by, ended_at, ended_by_kind, ended_by");
AgreementRow read_agreement(Row& row);

}  // namespace faelled::store::sql
