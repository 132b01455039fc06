// AgreementValues: from what somebody wishes to a tier or agreement with every value, or what is wrong with it, as many
// mistakes at once as there are. Private to members. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "members/agreement_plan.hpp"

namespace faelled::members {

class PlanNotes {
 public:
  void add(std::string at, std::string message, std::string message_da);
  bool empty() const { return all_.empty(); }
  std::vector<PlanNote> take() { return std::move(all_); }

 private:
  std::vector<PlanNote> all_;
};

class AgreementValues {
 public:
  AgreementValues(const AgreementWish& wish, const AgreementFacts& facts, PlanNotes& problems)
      : wish_(wish), facts_(facts), problems_(problems) {}

  void check_keys();
  // nullopt: something is wrong with it, and has been noted.
  std::optional<TierRow> tier(const WishedTier& wished, const std::string& at);
  std::optional<AgreementRow> agreement(const WishedAgreement& wished, const TierRow& tier, const std::string& at);

 private:
  using Number = std::optional<std::int64_t>;

  const std::string& models_told();
  bool in_range(std::int64_t value, std::int64_t min, std::int64_t max, const std::string& at, std::string_view name);
  // Known ones, each once, in order of their names.
  std::optional<std::vector<std::string>> models(std::vector<std::string> ids, const std::string& at);
  // The wished value, else by the key, else the tier's. `reckoned`: it followed from the inhabitants.
  Number by_key(const SizeKey& key, Number wished, Number of_tier, const WishedAgreement& agreement,
                const std::string& at, bool share, bool& reckoned);

  const AgreementWish& wish_;
  const AgreementFacts& facts_;
  PlanNotes& problems_;
  std::string models_told_;  // once somebody has asked
};

}  // namespace faelled::members
