// How members stand in the commons, why a ticket waits, and what if a member asked for more. Of the Portal; loop's
// thread.
#pragma once

#include "net/aside.hpp"
#include "portal/decision_check.hpp"
#include "portal/desk.hpp"
#include "store/ledger.hpp"

namespace faelled::portal {

class CommonsApi {
 public:
  CommonsApi(Desk& desk, const rpc::SharesPort* shares, DecisionCheck* check, store::Ledger& ledger)
      : desk_(desk), shares_(shares), check_(check), ledger_(ledger), aside_(desk.context.loop) {}

  net::Task<void> get_ticket(Call& call);
  net::Task<void> get_share(Call& call);
  net::Task<void> list_shares(Call& call);
  net::Task<void> check_shares(Call& call);
  // what_if_api.cpp
  net::Task<void> what_if(Call& call);

 private:
  Duration wait_max_of(std::string_view member) const;

  Desk& desk_;
  const rpc::SharesPort* shares_;  // nullptr: nobody shares anything
  DecisionCheck* check_;           // nullptr: there is no log to check
  store::Ledger& ledger_;
  net::Aside aside_;  // for the simulator
};

}  // namespace faelled::portal
