// What was used, by whom as far as the visitor may see. Of the Portal; loop's thread.
#pragma once

#include <optional>

#include "portal/csv.hpp"
#include "portal/desk.hpp"
#include "store/ledger.hpp"

namespace faelled::portal {

class UsageApi {
 public:
  UsageApi(Desk& desk, store::Ledger& ledger) : desk_(desk), ledger_(ledger) {}

  net::Task<void> get_usage(Call& call);

 private:
  net::Task<void> send_hours(Call& call, const store::UsageFilter& filter, std::optional<CsvForm> form);

  Desk& desk_;
  store::Ledger& ledger_;
};

}  // namespace faelled::portal
