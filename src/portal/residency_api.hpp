// Which model lies where, why, and orders about it. Of the Portal; loop's thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "portal/desk.hpp"

namespace faelled::portal {

class ResidencyApi {
 public:
  using DeviceNames = std::map<std::string, std::string, std::less<>>;  // "gpu0": what its driver calls it

  ResidencyApi(Desk& desk, rpc::ResidencyPort* residency, const DeviceNames& device_names)
      : desk_(desk), residency_(residency), device_names_(device_names) {}

  net::Task<void> get_residency(Call& call);
  net::Task<void> list_residency_events(Call& call);
  net::Task<void> order_residency(Call& call);

 private:
  std::expected<std::vector<std::string>, openai::ApiError> models_in_state(std::string_view state) const;

  Desk& desk_;
  rpc::ResidencyPort* residency_;  // nullptr: nobody plans which model lies where
  const DeviceNames& device_names_;
};

}  // namespace faelled::portal
