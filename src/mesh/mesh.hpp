// Mesh: which ticket gets which place on which engine. The commons chooses the ticket and the engine, Residents which
// models there are engines of; the mesh keeps the places of engines apart by member, and tells listeners. Owned by
// main(); loop's thread. A listener may call back into submit() and end() from any call.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/text_hash.hpp"
#include "commons/scheduler.hpp"
#include "mesh/chronicle.hpp"
#include "mesh/energy.hpp"
#include "mesh/residents.hpp"
#include "rpc/ports.hpp"

namespace faelled::mesh {

class Mesh final : public rpc::MeshPort, public rpc::ReportPort, public rpc::SharesPort, public rpc::ResidencyPort {
 public:
  struct Settings {
    std::vector<std::string> models;  // the catalogue at first; a ticket for another model is a bug
    commons::Settings commons = {};
    residency::Settings residency = {};
  };
  Mesh(const Clock& clock, Settings settings);

  void submit(const rpc::Ticket& ticket, rpc::TicketListener& listener) override;
  void progress(const rpc::Progress& progress) override;
  void end(const rpc::End& end) override;
  std::vector<rpc::ModelStatus> models() const override;
  std::optional<rpc::ModelStatus> model(std::string_view id) const override;
  std::vector<std::string> failed() const override;
  std::optional<rpc::TicketStatus> ticket(std::uint64_t number) const override;
  std::optional<rpc::TicketStatus> ticket(std::string_view request_id) const override;
  void report(const rpc::Report& report) override;
  std::vector<rpc::MemberShare> shares() const override;
  std::optional<rpc::MemberShare> share(std::string_view member) const override;
  std::vector<rpc::ShareSample> past(std::string_view member) const override { return chronicle_.past(member); }

  std::vector<rpc::DeviceResidency> devices() const override { return residents_.devices(); }
  std::vector<std::string> in_use() const override;
  std::optional<rpc::ModelResidency> residency(std::string_view model) const override;
  std::vector<rpc::ResidencyEvent> residency_events(std::uint64_t before, std::size_t most) const override {
    return residents_.events(before, most);
  }
  Expected<void> order(const std::string& model, rpc::ResidencyAct act) override {
    return residents_.order(model, act);
  }
  void scale(const std::string& model, std::uint32_t engines) override { residents_.scale(model, engines); }
  std::optional<Duration> promise() const override { return residents_.promise(); }
  std::optional<rpc::ModelledEnergy> energy() const override;

  // The catalogue has grown by a model, or lost one: those who wait for it are refused, those who run end in peace.
  void add_model(const std::string& model);
  void remove_model(const std::string& model);
  // A model that nodes load and unload as Residents has it; the others are where they are.
  void know(const Resident& model);
  // Its file is not here: who asks for it is refused in these words, until it is known or held back with others.
  void hold_back(const std::string& model, rpc::Fetching fetching);
  bool is_held_back(const std::string& model) const;
  // Told when somebody asked for a model whose file is not here.
  void on_asked_in_vain(std::function<void(const std::string& model)> told) { asked_in_vain_ = std::move(told); }
  // It has changed: what runs of it ends in peace, and its next engine has it as it is now.
  void renew(const std::string& model) { residents_.renew(model); }
  rpc::EngineState state(const std::string& model) const;
  void nodes(rpc::NodePort& nodes) { residents_.nodes(&nodes); }
  // Told when look_at_memory() is due, whenever that changes; Instant::max(): never by time alone.
  void on_wake(std::function<void(Instant)> told) { residents_.on_wake(std::move(told)); }
  void look_at_memory() { residents_.tick(); }
  // A quarter of an hour of the local day begins: what is usual then is warmed.
  void quarter(residency::Quarter quarter) { residents_.quarter(quarter); }
  Habits habits() const { return residents_.habits(); }
  Loads loads() const { return residents_.loads(); }
  // Of models of the catalogue: of one whose file is not here, until it is.
  void learned(Habits habits);
  void learned(Loads loads);
  const residency::Counts& residency_counts() const { return residents_.counts(); }

  // What agreements give; what was lent and borrowed before this process began.
  void agree(const commons::Agree& agreement) { decide(agreement); }
  void restore(const commons::Event& balance) { decide(balance); }
  // Once in a while, so that credits are settled when nothing happens.
  void tick();
  const commons::Scheduler& commons() const { return scheduler_; }

  // Told every event and what was decided, in order: the decision log.
  using Witness = std::function<void(Instant, const commons::Event&, std::span<const commons::Action>)>;
  void on_decision(Witness told) { witness_ = std::move(told); }

  // Told the engine's id when a gateway saw it break an answer off.
  void on_engine_fault(std::function<void(const std::string& engine)> told) { engine_fault_ = std::move(told); }

  // Told the model and how often its engine has been started again since the last time.
  void on_engine_restart(std::function<void(const std::string& model, std::uint64_t times)> told) {
    engine_restart_ = std::move(told);
  }

  // The models that have an engine, in whatever state.
  std::vector<std::string> with_engines() const;
  std::size_t waiting() const { return scheduler_.waiting(); }
  std::size_t running() const { return scheduler_.running(); }

 private:
  struct Place {
    std::uint64_t ticket = 0;  // 0: free
    std::string member;        // whose words it may hold; empty: unknown, so everybody is a stranger to it
    std::string adapter;       // that read them
    std::uint64_t used = 0;    // when, counted in grants
  };
  struct Engine {
    std::string node;
    rpc::EngineReport report;
    std::vector<Place> places;
    std::vector<std::uint32_t> free;  // indices into places
  };
  struct Room {
    std::string engine;
    std::uint32_t place = 0;
  };
  struct Live {
    rpc::Ticket ticket;
    rpc::TicketListener* listener = nullptr;
    std::optional<Room> room;  // none: waits
    bool in_line = false;      // among those that wait(); a ticket that is granted as it comes never is
  };
  struct Line {
    std::size_t tickets = 0;  // that wait, but for those that are in a call of submit()
    Instant granted{};        // the last time
    Duration interval{};      // between grants while somebody waited, on average
    Instant told{};
    bool removed = false;  // from the catalogue: its line stays for those who run, and in case it comes back
    std::optional<rpc::Fetching> fetching;  // its file is not here
  };

  const Line* line(std::string_view model) const;
  Line& line_of(const std::string& model);
  bool in_catalogue(const std::string& model) const { return line(model) != nullptr || residents_.manages(model); }
  rpc::ModelStatus status_of(const std::string& model, const Line* line) const;
  std::vector<std::string> names() const;
  rpc::MemberShare share_of(const commons::MemberState& state) const;
  double share_of(const std::string& member) const;
  void draw_until_now();
  void decide(const commons::Event& event);
  void carry_out();
  void grant(const commons::Grant& grant);
  void refuse(std::uint64_t number, rpc::RefusalCause cause, Duration retry_after, const std::string& detail);
  void refuse_all(const std::string& model, rpc::RefusalCause cause, Duration retry_after, const std::string& detail);
  static void wait(Live& live, Line& line);
  static void unwait(Live& live, Line& line);
  rpc::Grant take(Engine& engine, const rpc::Ticket& ticket);
  void tell_waiting(const std::string& model);
  void tell_waiting(const std::string& model, Line& line);
  void tell_commons(const std::string& model);
  rpc::Waiting why_waiting(const std::string& model) const;
  bool serves(const Engine& engine) const;
  const rpc::EngineReport* best_report(const std::string& model) const;
  std::vector<std::string> adapters_of(std::string_view model) const;

  const Clock& clock_;
  Settings settings_;
  commons::Scheduler scheduler_;
  Residents residents_;
  Chronicle chronicle_;
  Energy energy_{settings_.residency.idle_w, settings_.residency.load_w};
  // Of models that were asked for or that others run: one of ours has none before that, and is a name of residents_.
  std::unordered_map<std::string, Line, TextHash, std::equal_to<>> lines_;
  std::map<std::string, Engine, std::less<>> engines_;
  std::unordered_map<std::uint64_t, Live> live_;
  std::deque<commons::Action> to_do_;
  bool doing_ = false;
  Witness witness_;
  std::function<void(const std::string&)> engine_fault_;
  std::function<void(const std::string&)> asked_in_vain_;
  std::function<void(const std::string&, std::uint64_t)> engine_restart_;
  std::map<std::tuple<std::string, std::string, std::string>, std::uint64_t> restarts_;  // by node, model and device
  std::uint64_t grants_ = 0;
};

}  // namespace faelled::mesh
