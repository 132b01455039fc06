// What members have agreed, its plan and its carrying out, and tiers. Of the Portal; loop's thread.
#pragma once

#include <optional>
#include <string>

#include "portal/desk.hpp"

namespace faelled::portal {

class AgreementsApi {
 public:
  explicit AgreementsApi(Desk& desk) : desk_(desk) {}

  net::Task<void> list_agreements(Call& call);
  net::Task<void> get_agreement_history(Call& call);
  net::Task<void> sum_agreements(Call& call);
  net::Task<void> get_promise(Call& call);
  net::Task<void> plan_agreements(Call& call);
  net::Task<void> change_agreements(Call& call);
  net::Task<void> list_tiers(Call& call);
  net::Task<void> set_tier(Call& call);
  net::Task<void> remove_tier(Call& call);

 private:
  net::Task<void> carry_out(Call& call, members::AgreementWish wish, std::string plan_id);
  std::uint32_t places_there() const;
  members::AgreementFacts agreement_facts() const;
  members::PlaceScale place_scale() const;
  std::optional<std::string> whose_agreements(Call& call) const;

  Desk& desk_;
};

}  // namespace faelled::portal
