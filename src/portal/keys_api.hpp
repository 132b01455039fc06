// API keys, and those of an old gateway. Of the Portal; loop's thread.
#pragma once

#include <optional>
#include <string>

#include "front_ends/front_ends.hpp"
#include "portal/desk.hpp"

namespace faelled::portal {

class KeysApi {
 public:
  KeysApi(Desk& desk, const front_ends::FrontEnds* front_ends) : desk_(desk), front_ends_(front_ends) {}

  net::Task<void> list_keys(Call& call);
  net::Task<void> create_key(Call& call);
  net::Task<void> update_key(Call& call);
  net::Task<void> rotate_key(Call& call);
  net::Task<void> revoke_key(Call& call);
  // import_api.cpp
  net::Task<void> import_keys(Call& call);

 private:
  std::optional<openai::ApiError> renames_front_end(const Call& call, const std::string& name) const;

  Desk& desk_;
  const front_ends::FrontEnds* front_ends_;  // nullptr: none
};

}  // namespace faelled::portal
