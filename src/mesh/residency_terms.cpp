#include "mesh/residency_terms.hpp"

namespace faelled::mesh {

rpc::ResidencyCause cause_of(residency::Cause cause) {
  using residency::Cause;
  switch (cause) {
    case Cause::none:
      return rpc::ResidencyCause::none;
    case Cause::asked:
      return rpc::ResidencyCause::asked;
    case Cause::pinned:
      return rpc::ResidencyCause::pinned;
    case Cause::at_start:
      return rpc::ResidencyCause::at_start;
    case Cause::ordered:
      return rpc::ResidencyCause::ordered;
    case Cause::makes_room:
      return rpc::ResidencyCause::makes_room;
    case Cause::line_empty:
      return rpc::ResidencyCause::line_empty;
    case Cause::turn_over:
      return rpc::ResidencyCause::turn_over;
    case Cause::unused:
      return rpc::ResidencyCause::unused;
    case Cause::broken:
      return rpc::ResidencyCause::broken;
    case Cause::removed:
      return rpc::ResidencyCause::removed;
    case Cause::habit:
      return rpc::ResidencyCause::habit;
    case Cause::keeps:
      return rpc::ResidencyCause::keeps;
    case Cause::elsewhere:
      return rpc::ResidencyCause::elsewhere;
    case Cause::busy:
      return rpc::ResidencyCause::busy;
    case Cause::spare:
      return rpc::ResidencyCause::spare;
    case Cause::recalled:
      return rpc::ResidencyCause::recalled;
    case Cause::overdue:
      return rpc::ResidencyCause::overdue;
    case Cause::enough:
      return rpc::ResidencyCause::enough;
  }
  return rpc::ResidencyCause::none;
}

residency::DeviceKind kind_of(rpc::DeviceKind kind) {
  return kind == rpc::DeviceKind::gpu ? residency::DeviceKind::gpu : residency::DeviceKind::host;
}

rpc::DeviceKind kind_of(residency::DeviceKind kind) {
  return kind == residency::DeviceKind::gpu ? rpc::DeviceKind::gpu : rpc::DeviceKind::host;
}

rpc::EngineState state_of(residency::ModelState::Where where) {
  using Where = residency::ModelState::Where;
  switch (where) {
    case Where::absent:
      return rpc::EngineState::absent;
    case Where::coming:
    case Where::loading:
      return rpc::EngineState::starting;
    case Where::ready:
      return rpc::EngineState::ready;
    case Where::failed:
      return rpc::EngineState::failed;
    case Where::draining:
    case Where::unloading:
    case Where::falling_asleep:
      return rpc::EngineState::draining;
    case Where::asleep:
      return rpc::EngineState::asleep;
    case Where::waking:
      return rpc::EngineState::waking;
  }
  return rpc::EngineState::absent;
}

}  // namespace faelled::mesh
