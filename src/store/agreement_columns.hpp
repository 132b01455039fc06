// Tiers and agreements from a row's columns, which both databases give in the same order. `Row` gives one column after
// the other. Private to store. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "store/lines.hpp"
#include "store/rows.hpp"

namespace faelled::store {

template <class T, class Row>
std::optional<T> maybe(Row& row) {
  const auto value = row.maybe_number();
  if (!value) return std::nullopt;
  return static_cast<T>(*value);
}

// As a column has it: days since 1970.
inline std::int64_t day_number(Day day) { return day.time_since_epoch().count(); }

inline std::optional<std::int64_t> day_number(const std::optional<Day>& day) {
  if (!day) return std::nullopt;
  return day_number(*day);
}

// id, name, share, places, wait_s, models, fee_ore, updated_at
template <class Row>
TierRow read_tier(Row& row) {
  TierRow out;
  out.id = row.text();
  out.name = row.text();
  out.share = maybe<std::uint32_t>(row);
  out.places = static_cast<std::uint32_t>(row.number());
  out.wait_s = maybe<std::uint32_t>(row);
  out.models = ids_in(row.text());
  out.fee_ore = row.maybe_number();
  out.updated_at = row.time();
  return out;
}

// id, member, tier, from_day, until_day, share, places, wait_s, models, fee_ore, inhabitants, suspended, reason_da,
// reason_en, follows, begins_at, made_at, made_by_kind, made_by, ended_at, ended_by_kind, ended_by
template <class Row>
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
  out.wait_s = maybe<std::uint32_t>(row);
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

}  // namespace faelled::store
