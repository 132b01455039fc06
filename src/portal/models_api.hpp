// The models that somebody may use. Of the Portal; loop's thread.
#pragma once

#include "portal/desk.hpp"

namespace faelled::portal {

class ModelsApi {
 public:
  explicit ModelsApi(Desk& desk) : desk_(desk) {}

  net::Task<void> list_models(Call& call);

 private:
  Desk& desk_;
};

}  // namespace faelled::portal
