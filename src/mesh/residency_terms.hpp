// The planner's terms as those of the contract between mesh, nodes and portal; kinds of devices also back.
#pragma once

#include "residency/planner.hpp"
#include "rpc/views.hpp"

namespace faelled::mesh {

rpc::ResidencyCause cause_of(residency::Cause cause);
rpc::EngineState state_of(residency::ModelState::Where where);
residency::DeviceKind kind_of(rpc::DeviceKind kind);
rpc::DeviceKind kind_of(residency::DeviceKind kind);

}  // namespace faelled::mesh
