// Members and their policies. Of the Portal; loop's thread.
#pragma once

#include "portal/desk.hpp"

namespace faelled::portal {

class MembersApi {
 public:
  explicit MembersApi(Desk& desk) : desk_(desk) {}

  net::Task<void> list_members(Call& call);
  net::Task<void> create_member(Call& call);
  net::Task<void> update_member(Call& call);
  net::Task<void> get_policy(Call& call);
  net::Task<void> update_policy(Call& call);

 private:
  Desk& desk_;
};

}  // namespace faelled::portal
