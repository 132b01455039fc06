// Administrative acts, done and refused. Of the Portal; loop's thread.
#pragma once

#include "portal/desk.hpp"

namespace faelled::portal {

class AuditApi {
 public:
  explicit AuditApi(Desk& desk) : desk_(desk) {}

  net::Task<void> get_audit(Call& call);

 private:
  Desk& desk_;
};

}  // namespace faelled::portal
