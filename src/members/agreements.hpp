// Agreements: what each member is promised, in memory, so that the scheduler's question costs a look-up and goes on
// when the store does not answer. Part of the Directory, which loads it and follows other servers for it; loop's
// thread. A change is planned (agreement_plan.hpp), shown, and then carried out whole or not at all, with an audit row
// for each step. What was promised once is never changed: it is ended, and another agreement follows it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "members/act.hpp"
#include "members/agreement_plan.hpp"
#include "members/audit.hpp"
#include "members/terms.hpp"

namespace faelled::members {

class Agreements {
 public:
  template <class T>
  using Then = std::function<void(Expected<T>)>;
  using IsMember = std::function<bool(std::string_view)>;

  Agreements(Random& random, Audit& audit, IsMember is_member);
  Agreements(const Agreements&) = delete;
  Agreements& operator=(const Agreements&) = delete;

  // What the member may have at that moment.
  Terms terms(std::string_view member, WallTime at) const;
  // The same without a copy, for what is asked at every request or of every member. nullptr: the defaults of Terms.
  // Stands until the next change.
  const AgreementRow* in_force(std::string_view member, WallTime at) const;
  bool allows(std::string_view member, std::string_view model, WallTime at) const;
  // When the terms of any member next become others by themselves: one begins, or runs out. nullopt: nothing is due.
  std::optional<WallTime> next_change(WallTime now) const;
  // Called on the loop when what is known has changed, by whomever; ask terms() anew.
  void on_change(std::function<void()> tell) { tell_ = std::move(tell); }
  // The largest limit of places in force, against those that there are.
  PlaceScale places(std::uint32_t there, WallTime at) const;

  // Those not over, by member and begin. `member` empty: of all.
  std::vector<AgreementRow> open(std::string_view member, WallTime at) const;
  std::vector<TierRow> tiers() const;
  std::optional<TierRow> tier(std::string_view id) const;

  AgreementPlan plan(const AgreementWish& wish, const AgreementFacts& facts, WallTime now) const;

  // Does what the plan says, as it is when its turn has come, and gives it. `plan_id`: the plan that was shown; empty:
  // whatever it is. Errors: forbidden, invalid (problems), conflict (the plan is another one by now, or another server
  // was quicker), exhausted, and the store's.
  void carry_out(AgreementWish wish, AgreementFacts facts, std::string plan_id, Act act, Then<AgreementPlan> then);

  // The Directory's, when it has read the store.
  struct Loaded {
    std::vector<TierRow> tiers;
    std::vector<AgreementRow> agreements;
  };
  static Expected<Loaded> read_all(store::Store& store, WallTime now);
  void know_all(Loaded all);
  void know(const store::Changes& changes);

 private:
  Deed<AgreementPlan> deed_of(AgreementPlan plan, const Act& act);
  void know(const AgreementRow& row);
  void changed() const {
    if (tell_) tell_();
  }

  Random& random_;
  Audit& audit_;
  IsMember is_member_;
  std::function<void()> tell_;
  std::map<std::string, TierRow, std::less<>> tiers_;
  std::map<std::string, std::vector<AgreementRow>, std::less<>> agreements_;  // by member; some may be over
};

}  // namespace faelled::members
