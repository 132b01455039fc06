// Trusted front ends, and a trial of their tokens. Of the Portal; loop's thread.
#pragma once

#include "front_ends/front_ends.hpp"
#include "portal/desk.hpp"

namespace faelled::portal {

class FrontEndsApi {
 public:
  FrontEndsApi(Desk& desk, front_ends::FrontEnds* front_ends) : desk_(desk), front_ends_(front_ends) {}

  net::Task<void> list_front_ends(Call& call);
  net::Task<void> test_front_end(Call& call);

 private:
  Desk& desk_;
  front_ends::FrontEnds* front_ends_;  // nullptr: none
};

}  // namespace faelled::portal
