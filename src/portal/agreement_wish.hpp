// AgreementWish from JSON, and a plan as JSON: what the page and `faelled apply` send and read. Pure.
#pragma once

#include "json/fields.hpp"
#include "json/writer.hpp"
#include "members/agreements.hpp"
#include "portal/csv.hpp"

namespace faelled::portal {

struct WishedPlan {
  members::AgreementWish wish;
  std::string plan;  // the id of the plan that was shown; empty: none
};

// Errors: invalid, with the path.
Expected<WishedPlan> read_wish(json::Fields& fields);
Expected<members::WishedTier> read_tier(json::Fields& fields);

// How one who reads it stands to it: with who made it, or without.
struct AgreementView {
  WallTime now;
  members::PlaceScale places;
  bool who = false;
};
void write_agreement(json::Writer& out, const store::AgreementRow& row, const AgreementView& view);
extern const std::string_view csv_agreement_head;
std::string csv_line(const store::AgreementRow& row, const AgreementView& view, CsvForm form);
void write_tier(json::Writer& out, const store::TierRow& row, const members::PlaceScale& places);
void write_places(json::Writer& out, const members::PlaceScale& places);  // "places": …
void write_plan(json::Writer& out, const members::AgreementPlan& plan, const AgreementView& view, bool applied);

}  // namespace faelled::portal
