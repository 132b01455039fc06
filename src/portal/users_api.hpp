// The people of a member, and their sign-in links. Of the Portal; loop's thread.
#pragma once

#include <string>

#include "portal/desk.hpp"
#include "portal/turns.hpp"

namespace faelled::portal {

class UsersApi {
 public:
  UsersApi(Desk& desk, Turns& turns, const std::string& public_url)
      : desk_(desk), turns_(turns), public_url_(public_url) {}

  net::Task<void> list_users(Call& call);
  net::Task<void> create_user(Call& call);
  net::Task<void> update_user(Call& call);
  net::Task<void> create_sign_in_link(Call& call);

 private:
  Desk& desk_;
  Turns& turns_;
  const std::string& public_url_;
};

}  // namespace faelled::portal
