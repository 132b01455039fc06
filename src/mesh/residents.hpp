// Residents: the planner of src/residency among models with names, nodes and people: which model is in which memory,
// what nodes are told to do, and a log of every decision with its reason. Owned by Mesh; loop's thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/name_table.hpp"
#include "mesh/learned.hpp"
#include "residency/member_weights.hpp"
#include "residency/planner.hpp"
#include "rpc/ports.hpp"

namespace faelled::mesh {

// A model that takes memory of ours, as the catalogue knows it.
struct Resident {
  std::string model;
  std::uint64_t bytes = 0;
  Duration load_guess{};
  std::uint32_t places = 1;
  bool pinned = false;
  bool at_start = false;
  rpc::DeviceKind kind = rpc::DeviceKind::host;
  std::uint64_t sleep_bytes = 0;  // it takes of the memory behind its device while it sleeps; 0: it cannot
  std::uint64_t residue = 0;      // it keeps of its device meanwhile
  std::uint32_t copies = 1;       // most engines of it at once, each on a device of its own
  bool forgets = false;           // it can sleep without its weights, and read them from the disk again
  bool spreads = false;           // its engine can divide it among several GPUs
};

class Residents {
 public:
  // `changed`: told the model that comes, goes or stays after all: see closed() and ready_in().
  using Changed = std::function<void(const std::string& model)>;
  Residents(const Clock& clock, residency::Settings settings, Changed changed);

  void know(const Resident& model);
  void forget(const std::string& model);
  void renew(const std::string& model);
  void nodes(rpc::NodePort* nodes) { nodes_ = nodes; }
  // When tick() is due; told whenever that changes.
  void on_wake(std::function<void(Instant)> told) { wake_told_ = std::move(told); }
  void tick() { step(residency::Tick{}); }
  void quarter(residency::Quarter quarter) { step(residency::QuarterIs{quarter}); }
  const residency::Counts& counts() const { return planner_.counts(); }
  // What was learned of each model; and back, of those that are known, or once they are.
  Habits habits() const;
  Loads loads() const;
  void learned(const Habits& habits);
  void learned(const Loads& loads);

  bool manages(std::string_view model) const { return names_.find(model).has_value(); }
  // Of all that it ever managed.
  const NameTable& names() const { return names_; }
  // Of these, those that can never be served here: see misfit().
  std::vector<std::string_view> misfits() const;
  // `share`: its member's.
  void arrived(const rpc::Ticket& ticket, double share);
  // On this engine.
  void started(const rpc::Ticket& ticket, const std::string& node, const std::string& device);
  void returned(const rpc::Ticket& ticket, double share);
  void ended(const rpc::Ticket& ticket, bool ran);
  void report(const rpc::Report& report);

  // Its engine there, should it be ready, takes no tickets: it goes.
  bool closed(std::string_view model, std::string_view node, std::string_view device) const;
  // Why it can never be served here, in plain words; empty: it can, or is, whatever its memory has by now.
  std::string misfit(std::string_view model) const;
  // How long until it is ready; zero: unknown, or not one of ours.
  Duration ready_in(std::string_view model) const;
  // The longest wait for an absent model that is promised now, and no less than its own load; zero: not one of ours, or
  // none is.
  Duration promise(std::string_view model) const;
  // Of whichever absent model; nothing: none is one of ours.
  std::optional<Duration> promise() const;

  std::vector<rpc::DeviceResidency> devices() const;
  // The models that take memory, come, or are wanted; some may stand there twice.
  std::vector<std::string_view> in_use() const;
  std::optional<rpc::ModelResidency> residency(const std::string& model) const;
  std::vector<rpc::ResidencyEvent> events(std::uint64_t before, std::size_t most) const;
  Expected<void> order(const std::string& model, rpc::ResidencyAct act);
  void scale(const std::string& model, std::uint32_t engines);

 private:
  struct Device {
    std::string node;
    std::string device;
  };

  std::optional<residency::ModelNumber> number(std::string_view model) const;
  bool fits(residency::ModelNumber model) const;
  residency::DeviceNumber device_number(const std::string& node, const std::string& device);
  residency::DeviceNumber find_device(std::string_view node, std::string_view device) const;
  void report(const rpc::EngineReport& engine, residency::ModelNumber model, residency::DeviceNumber device);
  template <class All, class EventOf>
  void learn(const All& all, All& unknown, const EventOf& event_of);
  void step(const residency::Event& event);
  void carry_out(const residency::Action& action);
  void note(rpc::ResidencyEvent event);
  Expected<void> may_sleep(residency::ModelNumber model, const residency::ModelState& state) const;
  rpc::ResidencyEvent about(rpc::ResidencyEvent::What what, residency::ModelNumber model) const;
  rpc::ResidencyEvent about(rpc::ResidencyEvent::What what, residency::ModelNumber model,
                            residency::DeviceNumber device) const;
  void note_order(rpc::ResidencyEvent::What what, residency::ModelNumber model);
  void direct(rpc::Directive::Act act, residency::ModelNumber model, residency::DeviceNumber device,
              std::uint8_t level = 1);
  std::string name_of(residency::ModelNumber model) const;

  const Clock& clock_;
  residency::Planner planner_;
  residency::MemberWeights weights_;
  Habits unknown_;  // learned of models that are not known yet
  Loads unknown_loads_;
  Changed changed_;
  rpc::NodePort* nodes_ = nullptr;
  NameTable names_;                                                    // by the planner's numbers
  std::unordered_map<residency::ModelNumber, std::string> details_;    // why it failed last
  std::unordered_map<residency::ModelNumber, std::string> sleepless_;  // why it is not put to sleep any more
  mutable std::vector<residency::ModelNumber> misfits_;
  mutable std::uint64_t misfits_as_of_ = 0;  // by the planner's count
  std::vector<Device> devices_;
  using EngineAt = std::pair<residency::ModelNumber, residency::DeviceNumber>;
  std::map<std::string, std::vector<EngineAt>, std::less<>> reported_;  // by node: engines of ours it had last
  std::deque<residency::Action> to_do_;
  bool doing_ = false;
  std::deque<rpc::ResidencyEvent> events_;  // oldest first
  std::uint64_t last_event_ = 0;
  Instant wake_ = Instant::max();
  std::function<void(Instant)> wake_told_;
};

}  // namespace faelled::mesh
