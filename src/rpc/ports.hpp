// What the roles ask of each other, and what people's questions ask of the mesh. Called on the loop's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "rpc/messages.hpp"
#include "rpc/views.hpp"

namespace faelled::rpc {

// The gateway's end of a ticket. Called on the loop's thread; the first call may come from inside MeshPort::submit.
class TicketListener {
 public:
  virtual ~TicketListener() = default;
  virtual void granted(const Grant&) = 0;
  virtual void waiting(const Waiting&) = 0;
  virtual void refused(const Refusal&) = 0;  // last call for this ticket
  // Of a revocable ticket that runs: somebody's floor claim needs its place. It stops at the engine and ends with
  // `returned`, unless it ends in another way first.
  virtual void revoked() = 0;
};

// What a gateway asks of the mesh. The listener must live until it was refused or end() was called.
class MeshPort {
 public:
  virtual ~MeshPort() = default;
  virtual void submit(const Ticket&, TicketListener&) = 0;
  virtual void progress(const Progress&) = 0;
  virtual void end(const End&) = 0;  // also withdraws a ticket that still waits
  virtual std::vector<ModelStatus> models() const = 0;
  // One of them, where there may be a hundred thousand; nothing: there is none of that name.
  virtual std::optional<ModelStatus> model(std::string_view id) const = 0;
  // Those that cannot be served, however long one waits.
  virtual std::vector<std::string> failed() const = 0;
  // Nothing for one that has ended. By number, or by the x-request-id that the client was told.
  virtual std::optional<TicketStatus> ticket(std::uint64_t number) const = 0;
  virtual std::optional<TicketStatus> ticket(std::string_view request_id) const = 0;
};

// What a mesh asks of a node.
class NodePort {
 public:
  virtual ~NodePort() = default;
  virtual void direct(const Directive&) = 0;
};

// Where a node sends its reports.
class ReportPort {
 public:
  virtual ~ReportPort() = default;
  virtual void report(const Report&) = 0;
};

// For people who watch and steer which model is where.
class ResidencyPort {
 public:
  virtual ~ResidencyPort() = default;
  virtual std::vector<DeviceResidency> devices() const = 0;
  // The models that have an engine, come, or are waited for, also those that have left the catalogue meanwhile; by id.
  // Of a hundred thousand they are few.
  virtual std::vector<std::string> in_use() const = 0;
  virtual std::optional<ModelResidency> residency(std::string_view model) const = 0;  // nothing: it is not there
  // Newest first, at most `most`, of those before number `before`; 0: from the newest on.
  virtual std::vector<ResidencyEvent> residency_events(std::uint64_t before, std::size_t most) const = 0;
  // Errors: not_found; invalid with a reason for people (it does not fit, it is not ours to load).
  virtual Expected<void> order(const std::string& model, ResidencyAct act) = 0;
  // Has a model that is ready come to so many engines, where there is room that nobody is waited for in; it has them,
  // or will not, once it no longer `scales`. One that is not ready stays as it is.
  virtual void scale(const std::string& model, std::uint32_t engines) = 0;
  // The longest wait that whoever asks now for an absent model is promised, should the limits say less. Nothing: no
  // model is of ours.
  virtual std::optional<Duration> promise() const = 0;
  // Nothing: the configuration says no watts.
  virtual std::optional<ModelledEnergy> energy() const = 0;
};

class SharesPort {
 public:
  virtual ~SharesPort() = default;
  virtual std::vector<MemberShare> shares() const = 0;  // of all that the commons has heard of, by member
  virtual std::optional<MemberShare> share(std::string_view member) const = 0;
  virtual std::vector<ShareSample> past(std::string_view member) const = 0;  // oldest first, a day at most
};

}  // namespace faelled::rpc
