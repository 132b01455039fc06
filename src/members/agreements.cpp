#include "members/agreements.hpp"

#include <algorithm>
#include <set>

#include "base/ids.hpp"
#include "members/newer.hpp"
#include "members/rights.hpp"

namespace faelled::members {
namespace {

using store::Store;

// What one plan writes, in this order.
struct Writing {
  std::vector<TierRow> tiers_known;
  std::vector<TierRow> tiers;
  std::vector<std::string> tiers_removed;
  std::vector<AgreementRow> ended, begun;
  std::vector<store::AuditRow> audit;

  Expected<void> write(Store& store, WallTime now) const {
    if (auto same = tiers_are_as_known(store); !same) return same;
    for (const TierRow& row : tiers)
      if (auto set = store.set_tier(row); !set) return set;
    for (const std::string& id : tiers_removed)
      if (auto removed = store.remove_tier(id); !removed) return removed;
    for (const AgreementRow& row : ended)
      if (auto done = store.end_agreement(row.id, *row.ended_at, row.ended_by_kind, row.ended_by); !done) return done;
    for (const AgreementRow& row : begun)
      if (auto added = store.add_agreement(row); !added) return added;
    for (const store::AuditRow& row : audit)
      if (auto added = store.add_audit(row); !added) return added;
    return begun.empty() ? Expected<void>() : nothing_overlaps(store, now);
  }

  // What agreements promise comes from tiers, so none of them may have changed.
  Expected<void> tiers_are_as_known(Store& store) const {
    auto now = store.tiers();
    if (!now) return std::unexpected(now.error());
    return *now == tiers_known ? Expected<void>() : changed_elsewhere();
  }

  // Another server on the database may have been quicker with a member of ours.
  Expected<void> nothing_overlaps(Store& store, WallTime now) const {
    std::set<std::string> members;
    for (const AgreementRow& row : begun) members.insert(row.member);
    auto all = store.agreements(now);
    if (!all) return std::unexpected(all.error());
    std::map<std::string, std::vector<AgreementRow>> by_member;
    for (AgreementRow& row : *all)
      if (members.contains(row.member)) by_member[row.member].push_back(std::move(row));
    for (const auto& [member, rows] : by_member)
      if (overlap_of(rows))
        return fail(Errc::conflict, "another server has just changed the agreements of " + member, "look again");
    return {};
  }
};

}  // namespace

Agreements::Agreements(Random& random, Audit& audit, IsMember is_member)
    : random_(random), audit_(audit), is_member_(std::move(is_member)) {}

Terms Agreements::terms(std::string_view member, WallTime at) const {
  const AgreementRow* row = in_force(member, at);
  return row == nullptr ? Terms() : terms_of(*row);
}

const AgreementRow* Agreements::in_force(std::string_view member, WallTime at) const {
  const auto found = agreements_.find(member);
  if (found == agreements_.end()) return nullptr;
  const auto row =
      std::ranges::find_if(found->second, [&](const AgreementRow& one) { return members::in_force(one, at); });
  return row == found->second.end() ? nullptr : &*row;
}

bool Agreements::allows(std::string_view member, std::string_view model, WallTime at) const {
  const AgreementRow* row = in_force(member, at);
  return row == nullptr || row->models.empty() || std::ranges::find(row->models, model) != row->models.end();
}

std::optional<WallTime> Agreements::next_change(WallTime now) const {
  std::optional<WallTime> next;
  const auto consider = [&](WallTime at) {
    if (at > now && (!next || at < *next)) next = at;
  };
  for (const auto& [member, rows] : agreements_) {
    for (const AgreementRow& row : rows) {
      consider(row.begins_at);
      if (const auto end = runs_out(row)) consider(*end);
      if (row.ended_at) consider(*row.ended_at);
    }
  }
  return next;
}

PlaceScale Agreements::places(std::uint32_t there, WallTime at) const {
  PlaceScale out{0, there};
  for (const auto& [member, rows] : agreements_)
    for (const AgreementRow& row : rows)
      if (members::in_force(row, at)) out.promised = std::max(out.promised, row.places);
  return out;
}

std::vector<AgreementRow> Agreements::open(std::string_view member, WallTime at) const {
  std::vector<AgreementRow> out;
  const auto take = [&](const std::vector<AgreementRow>& rows) {
    for (const AgreementRow& row : rows)
      if (!is_over(row, at)) out.push_back(row);
  };
  if (member.empty()) {
    for (const auto& [id, rows] : agreements_) take(rows);
  } else if (const auto found = agreements_.find(member); found != agreements_.end()) {
    take(found->second);
  }
  return out;
}

std::vector<TierRow> Agreements::tiers() const {
  std::vector<TierRow> out;
  for (const auto& [id, row] : tiers_) out.push_back(row);
  return out;
}

std::optional<TierRow> Agreements::tier(std::string_view id) const {
  const auto found = tiers_.find(id);
  if (found == tiers_.end()) return std::nullopt;
  return found->second;
}

AgreementPlan Agreements::plan(const AgreementWish& wish, const AgreementFacts& facts, WallTime now) const {
  return plan_agreements(wish, {tiers_, agreements_, is_member_}, facts, now);
}

void Agreements::carry_out(AgreementWish wish, AgreementFacts facts, std::string plan_id, Act act,
                           Then<AgreementPlan> then) {
  audit_.carry_out<AgreementPlan>(
      [this, wish = std::move(wish), facts = std::move(facts), plan_id = std::move(plan_id),
       act]() -> Expected<Deed<AgreementPlan>> {
        if (!over_all(act.by)) return fail(Errc::forbidden, "Only an operator makes and ends agreements.");
        AgreementPlan plan = this->plan(wish, facts, act.at);
        if (!plan.problems.empty()) {
          const PlanNote& first = plan.problems.front();
          return fail(Errc::invalid, (first.at.empty() ? "" : first.at + ": ") + first.message);
        }
        if (!plan_id.empty() && plan_id != plan.id)
          return fail(Errc::conflict, "the agreements have changed since this was shown",
                      "look at the difference again");
        return deed_of(std::move(plan), act);
      },
      std::move(then));
}

Deed<AgreementPlan> Agreements::deed_of(AgreementPlan plan, const Act& act) {
  Writing writing;
  writing.tiers_known = tiers();
  for (PlanStep& step : plan.steps) {
    const auto audited = [&](std::string_view action, const Object& object, std::string before, std::string after) {
      writing.audit.push_back(audit_.row(act, action, object, std::move(before), std::move(after)));
    };
    if (step.tier_after) {
      step.tier_after->updated_at = act.at;
      const TierRow before = step.tier_before.value_or(TierRow{});
      auto [was, is] = differences(Snapshot::of(before), Snapshot::of(*step.tier_after));
      audited(step.tier_before ? "tier.update" : "tier.create", {step.tier_after->id, {}},
              step.tier_before ? std::move(was) : std::string(), std::move(is));
      writing.tiers.push_back(*step.tier_after);
    } else if (step.tier_before) {
      audited("tier.remove", {step.tier_before->id, {}}, made(*step.tier_before), {});
      writing.tiers_removed.push_back(step.tier_before->id);
    }
    if (step.before) {
      step.before->ended_at = act.at;
      step.before->ended_by_kind = act.by.kind;
      step.before->ended_by = act.by.id;
      writing.ended.push_back(*step.before);
    }
    if (step.after) {
      AgreementRow& row = *step.after;
      row.id = make_id("agr_", act.at, random_);
      row.follows = step.before ? step.before->id : "";
      row.made_at = act.at;
      row.made_by_kind = act.by.kind;
      row.made_by = act.by.id;
      writing.begun.push_back(row);
    }
    if (step.before && step.after) {
      auto [was, is] = differences(Snapshot::of(*step.before), Snapshot::of(*step.after));
      audited("agreement.change", {step.after->id, step.after->member}, std::move(was), std::move(is));
    } else if (step.after) {
      audited("agreement.begin", {step.after->id, step.after->member}, {}, made(*step.after));
    } else if (step.before) {
      audited("agreement.end", {step.before->id, step.before->member}, made(*step.before), {});
    }
  }
  const auto shared = std::make_shared<const Writing>(std::move(writing));  // the store's thread reads it, then we do
  return {[shared, plan = std::move(plan), now = act.at](Store& store) -> Expected<AgreementPlan> {
            if (auto written = shared->write(store, now); !written) return std::unexpected(written.error());
            return plan;
          },
          {},  // a row for each step, written by the job
          [this, shared](AgreementPlan& done) {
            if (done.steps.empty()) return;
            for (const TierRow& row : shared->tiers) tiers_.insert_or_assign(row.id, row);
            for (const std::string& id : shared->tiers_removed) tiers_.erase(id);
            for (const AgreementRow& row : shared->ended) know(row);
            for (const AgreementRow& row : shared->begun) know(row);
            changed();
          }};
}

Expected<Agreements::Loaded> Agreements::read_all(Store& store, WallTime now) {
  auto tiers = store.tiers();
  if (!tiers) return std::unexpected(tiers.error());
  auto rows = store.agreements(now);
  if (!rows) return std::unexpected(rows.error());
  return Loaded{std::move(*tiers), std::move(*rows)};
}

void Agreements::know_all(Loaded all) {
  tiers_.clear();
  agreements_.clear();
  for (TierRow& row : all.tiers) tiers_.insert_or_assign(row.id, std::move(row));
  for (const AgreementRow& row : all.agreements) know(row);
  changed();
}

void Agreements::know(const store::Changes& changes) {
  if (changes.agreements.empty() && !changes.tiers) return;
  if (changes.tiers) {
    tiers_.clear();
    for (const TierRow& row : *changes.tiers) tiers_.insert_or_assign(row.id, row);
  }
  for (const AgreementRow& row : changes.agreements) know(row);
  changed();
}

void Agreements::know(const AgreementRow& row) {
  std::vector<AgreementRow>& rows = agreements_[row.member];
  std::erase_if(rows, [&](const AgreementRow& one) { return one.id == row.id || is_over(one, row.made_at); });
  rows.insert(std::ranges::upper_bound(rows, row.begins_at, {}, &AgreementRow::begins_at), row);
}

}  // namespace faelled::members
