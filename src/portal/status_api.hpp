// What everybody may know: what is up, and what operators tell. Of the Portal; loop's thread.
#pragma once

#include "portal/bulletin.hpp"
#include "portal/desk.hpp"

namespace faelled::portal {

class StatusApi {
 public:
  StatusApi(Desk& desk, const rpc::ResidencyPort* residency, const Bulletin& bulletin)
      : desk_(desk), residency_(residency), bulletin_(bulletin) {}

  net::Task<void> get_status(Call& call);

 private:
  Desk& desk_;
  const rpc::ResidencyPort* residency_;  // nullptr: nobody plans which model lies where
  const Bulletin& bulletin_;
};

}  // namespace faelled::portal
