#include "members/terms.hpp"

namespace faelled::members {

Terms terms_of(const store::AgreementRow& row) {
  Terms out;
  out.share = row.share;
  out.places = row.places;
  if (row.wait_s) out.wait = std::chrono::seconds(*row.wait_s);
  out.models = row.models;
  out.suspended = row.suspended;
  out.reason_da = row.reason_da;
  out.reason_en = row.reason_en;
  out.tier = row.tier;
  out.agreement = row.id;
  return out;
}

std::optional<WallTime> runs_out(const store::AgreementRow& row) {
  if (!row.until) return std::nullopt;
  return WallTime(*row.until + std::chrono::days(1));
}

bool is_over(const store::AgreementRow& row, WallTime at) {
  if (row.ended_at && *row.ended_at <= at) return true;
  const auto end = runs_out(row);
  return end && *end <= at;
}

bool in_force(const store::AgreementRow& row, WallTime at) { return row.begins_at <= at && !is_over(row, at); }

}  // namespace faelled::members
