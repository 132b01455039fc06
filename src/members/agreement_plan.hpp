// AgreementPlan: the difference between the tiers and agreements that are there and those that somebody wishes. It is
// shown before anything is done, and is what is done then. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "members/size_key.hpp"
#include "members/terms.hpp"
#include "store/rows.hpp"

namespace faelled::members {

using store::AgreementRow;
using store::Day;
using store::TierRow;

// Numbers as they were written, which may be none that can be.
struct WishedTier {
  std::string id;
  std::string name = {};  // empty: the id
  std::optional<std::int64_t> share = {};
  std::int64_t places = 0;
  std::optional<std::int64_t> wait_s = {};
  std::vector<std::string> models = {};
  std::optional<std::int64_t> fee_ore = {};
};

struct WishedAgreement {
  std::string member;
  std::string tier;
  Day from;
  std::optional<Day> until = {};
  // Absent: what the key of shares or fees gives, or the tier.
  std::optional<std::int64_t> share = {};
  std::optional<std::int64_t> places = {};
  std::optional<std::int64_t> wait_s = {};
  std::optional<std::vector<std::string>> models = {};
  std::optional<std::int64_t> fee_ore = {};
  bool suspended = false;
  std::string reason_da = {}, reason_en = {};
  std::string replaces = {};  // id of the one that it takes the place of; empty: the member's with the same `from`
};

struct AgreementWish {
  bool whole = false;  // these are all: others end
  SizeKey share_by = {};
  SizeKey fee_by = {};
  std::map<std::string, std::int64_t, std::less<>> inhabitants = {};  // by member
  std::vector<WishedTier> tiers = {};
  std::vector<std::string> tiers_removed = {};
  std::vector<WishedAgreement> agreements = {};
  std::vector<std::string> ended = {};  // ids
};

// What is there.
struct AgreementFacts {
  // There may be very many: they are asked for, not handed over.
  std::function<bool(std::string_view id)> is_model;     // or an adapter
  std::function<std::vector<std::string>()> all_models;  // and adapters, for a message
  std::uint32_t places = 0;                              // of all engines together; 0: not known
};
struct AgreementsKnown {
  const std::map<std::string, TierRow, std::less<>>& tiers;
  const std::map<std::string, std::vector<AgreementRow>, std::less<>>& agreements;  // by member
  std::function<bool(std::string_view)> is_member;
};

// What is wrong, or worth knowing, with the way out. `at`: "agreements[3].share", "tiers[0]"; empty: of the whole.
struct PlanNote {
  std::string at;
  std::string message;
  std::string message_da;
};

enum class StepKind : std::uint8_t { add_tier, change_tier, remove_tier, begin, change, end };
std::string_view name_of(StepKind kind);

struct PlanStep {
  StepKind kind = StepKind::begin;
  std::optional<TierRow> tier_before = {}, tier_after = {};
  std::optional<AgreementRow> before = {}, after = {};  // `after` has no id yet
};

struct AgreementPlan {
  std::vector<PlanNote> problems;  // with one of these nothing is done
  std::vector<PlanNote> warnings;
  std::vector<PlanStep> steps;  // tiers first; agreements by member
  std::size_t over = 0;         // wished ones that are over, and so left out
  PlaceScale places;            // as they will be
  std::string id;               // the same for the same steps; empty: there are none
};

AgreementPlan plan_agreements(const AgreementWish& wish, const AgreementsKnown& known, const AgreementFacts& facts,
                              WallTime now);

// The two that stand in each other's way; nullopt: none do.
std::optional<std::pair<AgreementRow, AgreementRow>> overlap_of(std::vector<AgreementRow> of_one_member);

}  // namespace faelled::members
