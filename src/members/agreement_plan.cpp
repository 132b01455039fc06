#include "members/agreement_plan.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "base/limits.hpp"
#include "crypto/digest.hpp"
#include "members/agreement_values.hpp"
#include "members/snapshot.hpp"

namespace faelled::members {
namespace {

std::string numbered(const char* list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

bool same_promise(const AgreementRow& a, const AgreementRow& b) {
  return a.tier == b.tier && a.from == b.from && a.until == b.until && a.share == b.share && a.places == b.places &&
         a.wait_s == b.wait_s && a.models == b.models && a.fee_ore == b.fee_ore && a.suspended == b.suspended &&
         a.reason_da == b.reason_da && a.reason_en == b.reason_en;
}

bool same_tier(TierRow a, const TierRow& b) {
  a.updated_at = b.updated_at;
  return a == b;
}

constexpr std::size_t figures_max = 12;  // nobody reads more

class Planning {
 public:
  Planning(const AgreementWish& wish, const AgreementsKnown& known, const AgreementFacts& facts, WallTime now)
      : wish_(wish), known_(known), facts_(facts), now_(now), values_(wish, facts, problems_) {}

  AgreementPlan plan() {
    values_.check_keys();
    plan_tiers();
    plan_agreements();
    plan_.problems = problems_.take();
    if (!plan_.problems.empty()) plan_.steps.clear();
    look_at_places();
    if (plan_.problems.empty()) look_at_gaps();
    plan_.warnings = warnings_.take();
    plan_.id = id_of(plan_.steps);
    return std::move(plan_);
  }

 private:
  // One that is there or wished, of one member.
  struct Open {
    AgreementRow row;
    std::string at;  // where it was wished; empty: it is there
  };

  void plan_tiers() {
    if (!wish_.whole) tiers_ = known_.tiers;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < wish_.tiers.size(); ++i) {
      const std::string at = numbered("tiers", i);
      const auto row = values_.tier(wish_.tiers[i], at);
      if (!seen.insert(wish_.tiers[i].id).second)
        problems_.add(at + ".id", "the tier " + wish_.tiers[i].id + " stands twice",
                      "aftaletypen " + wish_.tiers[i].id + " står to gange");
      broken_.insert(wish_.tiers[i].id);
      if (!row) continue;
      broken_.erase(row->id);
      tiers_[row->id] = *row;
      const auto before = known_.tiers.find(row->id);
      if (before == known_.tiers.end()) {
        step(StepKind::add_tier).tier_after = row;
      } else if (!same_tier(*row, before->second)) {
        PlanStep& changed = step(StepKind::change_tier);
        changed.tier_before = before->second;
        changed.tier_after = row;
      }
    }
    if (tiers_.size() > limits::tiers_max)
      problems_.add("tiers", "there are more than 100 tiers", "der er flere end 100 aftaletyper");
    for (std::size_t i = 0; i < wish_.tiers_removed.size(); ++i) {
      if (tiers_.erase(wish_.tiers_removed[i]) == 0)
        problems_.add(numbered("tiers_removed", i), "there is no tier " + wish_.tiers_removed[i],
                      "der er ingen aftaletype " + wish_.tiers_removed[i]);
    }
    for (const auto& [id, row] : known_.tiers)
      if (!tiers_.contains(id) && !broken_.contains(id)) step(StepKind::remove_tier).tier_before = row;
  }

  void plan_agreements() {
    if (wish_.agreements.size() > limits::agreements_in_one_go_max)
      return problems_.add("agreements", "these are too many agreements", "det er for mange aftaler");
    std::map<std::string, std::vector<Open>> wished;
    for (std::size_t i = 0; i < wish_.agreements.size(); ++i) {
      const WishedAgreement& one = wish_.agreements[i];
      const std::string at = numbered("agreements", i);
      if (!known_.is_member(one.member)) {
        problems_.add(at + ".member",
                      "there is no member '" + one.member.substr(0, 100) + "'; `faelled member add` makes one",
                      "der er ingen kommune '" + one.member.substr(0, 100) + "'");
        continue;
      }
      auto& of_member = wished[one.member];  // known to be wished, even where it is not as it should be
      const auto tier = tiers_.find(one.tier);
      if (tier == tiers_.end()) {
        if (!broken_.contains(one.tier))
          problems_.add(at + ".tier", "there is no tier '" + one.tier.substr(0, 100) + "'; there are: " + tier_names(),
                        "der er ingen aftaletype '" + one.tier.substr(0, 100) + "'; der er: " + tier_names());
        continue;
      }
      auto row = values_.agreement(one, tier->second, at);
      if (!row) continue;
      row->follows = one.replaces;
      if (is_over(*row, now_)) {
        over(at);
        continue;
      }
      of_member.push_back({std::move(*row), at});
    }
    ended_.insert(wish_.ended.begin(), wish_.ended.end());
    std::set<std::string, std::less<>> members;
    for (const auto& [member, rows] : wished) members.insert(member);
    for (const auto& [member, rows] : known_.agreements)
      if (wish_.whole || std::ranges::any_of(rows, [&](const auto& row) { return ended_.contains(row.id); }))
        members.insert(member);
    for (const std::string& member : members) plan_member(member, wished[member]);
    for (const std::string& id : ended_)
      problems_.add("ended", "there is no agreement " + id + " that could be ended",
                    "der er ingen aftale " + id + " at afslutte");
  }

  // A file may keep what was; somebody who asks for one alone is told.
  void over(const std::string& at) {
    ++plan_.over;
    if (!wish_.whole)
      problems_.add(at + ".until", "the agreement would be over already: until lies in the past",
                    "aftalen ville allerede være slut: til og med-datoen er passeret");
  }

  void plan_member(const std::string& member, std::vector<Open> wished) {
    std::vector<AgreementRow> there;
    if (const auto found = known_.agreements.find(member); found != known_.agreements.end())
      for (const AgreementRow& row : found->second)
        if (!is_over(row, now_)) there.push_back(row);
    std::vector<Open> after;
    const auto take = [&](Open& one, std::vector<AgreementRow>::iterator before) {
      one.row.follows = before->id;
      if (same_promise(*before, one.row)) {
        one.row = *before;
      } else {
        PlanStep& changed = step(StepKind::change);
        changed.before = *before;
        changed.after = begun(one.row);
      }
      ended_.erase(before->id);
      there.erase(before);
      after.push_back(one);
    };
    std::vector<Open> fresh;
    for (Open& one : wished) {
      const auto before = std::ranges::find_if(there, [&](const AgreementRow& row) {
        return one.row.follows.empty() ? row.from == one.row.from : row.id == one.row.follows;
      });
      if (before != there.end()) {
        take(one, before);
      } else if (!one.row.follows.empty()) {
        problems_.add(one.at + ".replaces",
                      "there is no agreement " + one.row.follows + " of " + member + " that could be replaced",
                      member + " har ingen aftale " + one.row.follows + " at erstatte");
      } else {
        fresh.push_back(one);
      }
    }
    for (Open& one : fresh) {
      // Where all are named, a new one takes the place of the one that is named no more, of today or of later.
      const bool later = WallTime(one.row.from) > now_;
      const auto before = std::ranges::find_if(
          there, [&](const AgreementRow& row) { return wish_.whole && (row.begins_at > now_) == later; });
      if (before != there.end()) {
        take(one, before);
      } else {
        step(StepKind::begin).after = begun(one.row);
        after.push_back(one);
      }
    }
    for (const AgreementRow& row : there) {
      if (wish_.whole || ended_.contains(row.id)) {
        step(StepKind::end).before = row;
        ended_.erase(row.id);
      } else {
        after.push_back({row, ""});
      }
    }
    look_for_overlaps(member, after);
    for (const Open& one : after) open_.push_back(one.row);
    planned_.insert(member);
  }

  void look_for_overlaps(const std::string& member, std::vector<Open>& after) {
    std::ranges::sort(after, {}, [](const Open& one) { return std::pair(one.row.from, one.row.id); });
    if (after.size() > limits::agreements_of_member_max)
      problems_.add(after.back().at, member + " has more than 20 agreements", member + " har flere end 20 aftaler");
    for (std::size_t i = 1; i < after.size(); ++i) {
      const Open &one = after[i - 1], &next = after[i];
      if (one.row.until && *one.row.until < next.row.from) continue;
      const std::string& other = next.at.empty() ? next.row.id : one.at.empty() ? one.row.id : one.at;
      problems_.add(next.at.empty() ? one.at : next.at,
                    "two agreements of " + member + " overlap: this one and " + other +
                        "; end the former before the latter begins",
                    "to aftaler for " + member + " overlapper: denne og " + other +
                        "; lad den første slutte, før den næste begynder");
    }
  }

  AgreementRow begun(AgreementRow row) const {
    row.begins_at = std::max(now_, WallTime(row.from));
    return row;
  }

  // As it will be: those of members that nothing was wished for, too.
  void look_at_places() {
    for (const auto& [member, rows] : known_.agreements)
      for (const AgreementRow& row : rows)
        if (!planned_.contains(member) && !is_over(row, now_)) open_.push_back(row);
    plan_.places.there = facts_.places;
    for (const AgreementRow& row : open_) plan_.places.promised = std::max(plan_.places.promised, row.places);
    for (const auto& [id, row] : tiers_) plan_.places.promised = std::max(plan_.places.promised, row.places);
    if (!plan_.places.too_much()) return;
    // One warning with all figures: a tier's limit, and where an agreement has one of its own.
    std::string figures;
    std::size_t told = 0;
    const auto tell = [&](const std::string& whose, std::uint32_t places) {
      if (places == 0 || ++told > figures_max) return;
      figures += (figures.empty() ? "" : ", ") + whose + " " + std::to_string(places) + " → " +
                 std::to_string(plan_.places.of(places));
    };
    for (const auto& [id, row] : tiers_) tell(id, row.places);
    for (const AgreementRow& row : open_) {
      const auto tier = tiers_.find(row.tier);
      if (tier == tiers_.end() || tier->second.places != row.places) tell(row.member, row.places);
    }
    if (told > figures_max) figures += ", …";
    const std::string there = std::to_string(facts_.places), most = std::to_string(plan_.places.promised);
    warnings_.add(
        "",
        "up to " + most + " places are promised and there are " + there +
            ": all limits count in proportion: " + figures,
        "der er lovet op til " + most + " pladser, og der er " + there + ": alle grænser gælder i forhold: " + figures);
  }

  // Who is promised something now, and would not be afterwards.
  void look_at_gaps() {
    std::set<std::string_view> covered;
    for (const AgreementRow& row : open_)
      if (WallTime(row.from) <= now_) covered.insert(row.member);
    for (const PlanStep& one : plan_.steps) {
      if (!one.before || !in_force(*one.before, now_)) continue;
      const std::string& member = one.before->member;
      if (!covered.contains(member))
        warnings_.add("", member + " has no agreement then, and so the smallest share",
                      member + " har så ingen aftale, og dermed den mindste andel");
    }
  }

  PlanStep& step(StepKind kind) {
    PlanStep& made = plan_.steps.emplace_back();
    made.kind = kind;
    return made;
  }

  std::string tier_names() const {
    std::string out;
    for (const auto& [id, row] : tiers_) out += (out.empty() ? "" : ", ") + id;
    return out.empty() ? "none" : out;
  }

  static std::string id_of(const std::vector<PlanStep>& steps) {
    if (steps.empty()) return {};
    std::string all;
    for (const PlanStep& one : steps) {
      all += std::string(name_of(one.kind)) + "\n";
      for (const auto* tier : {&one.tier_before, &one.tier_after})
        all += *tier ? (*tier)->id + made(**tier) + "\n" : "-\n";
      for (const auto* agreement : {&one.before, &one.after})
        all += *agreement ? (*agreement)->member + made(**agreement) + "\n" : "-\n";
      if (one.before) all += one.before->id + "\n";
    }
    return crypto::hex(crypto::sha256(all)).substr(0, 32);
  }

  const AgreementWish& wish_;
  const AgreementsKnown& known_;
  const AgreementFacts& facts_;
  WallTime now_;
  PlanNotes problems_, warnings_;
  AgreementValues values_;
  AgreementPlan plan_;
  std::map<std::string, TierRow, std::less<>> tiers_;  // as they will be
  std::set<std::string, std::less<>> broken_;          // wished tiers that are not as they should be
  std::set<std::string, std::less<>> ended_;           // ids that shall end, until they are found
  std::set<std::string, std::less<>> planned_;         // members
  std::vector<AgreementRow> open_;                     // as they will be
};

}  // namespace

std::string_view name_of(StepKind kind) {
  switch (kind) {
    case StepKind::add_tier:
      return "add_tier";
    case StepKind::change_tier:
      return "change_tier";
    case StepKind::remove_tier:
      return "remove_tier";
    case StepKind::begin:
      return "begin";
    case StepKind::change:
      return "change";
    case StepKind::end:
      break;
  }
  return "end";
}

AgreementPlan plan_agreements(const AgreementWish& wish, const AgreementsKnown& known, const AgreementFacts& facts,
                              WallTime now) {
  return Planning(wish, known, facts, now).plan();
}

std::optional<std::pair<AgreementRow, AgreementRow>> overlap_of(std::vector<AgreementRow> of_one_member) {
  std::ranges::sort(of_one_member, {}, &AgreementRow::from);
  for (std::size_t i = 1; i < of_one_member.size(); ++i) {
    const AgreementRow &one = of_one_member[i - 1], &next = of_one_member[i];
    if (!one.until || *one.until >= next.from) return std::pair(one, next);
  }
  return std::nullopt;
}

}  // namespace faelled::members
