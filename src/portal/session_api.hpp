// Signing in and out, and who is signed in. Of the Portal; loop's thread.
#pragma once

#include <string>

#include "portal/desk.hpp"

namespace faelled::portal {

class SessionApi {
 public:
  SessionApi(Desk& desk, const std::string& public_url) : desk_(desk), public_url_(public_url) {}

  net::Task<void> sign_in(Call& call);
  net::Task<void> get_session(Call& call);
  net::Task<void> sign_out(Call& call);

 private:
  Desk& desk_;
  const std::string& public_url_;
};

}  // namespace faelled::portal
