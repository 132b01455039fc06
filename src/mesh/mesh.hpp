// Mesh: which ticket gets which place on which engine. In this form first come, first served per model, with places
// kept apart by member; the commons will choose in its stead. Pure but for its listeners: time comes with each ticket,
// state changes only by the calls below. Owned by main(); loop's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rpc/messages.hpp"

namespace faelled::mesh {

class Mesh final : public rpc::MeshPort, public rpc::ReportPort {
 public:
  struct Settings {
    std::vector<std::string> models;  // the catalogue; a ticket for another model is a bug
    std::size_t waiting_max;          // per model
    std::uint64_t epoch = 1;
  };
  explicit Mesh(Settings settings);

  void submit(const rpc::Ticket& ticket, rpc::TicketListener& listener) override;
  void progress(const rpc::Progress&) override {}
  void end(const rpc::End& end) override;
  std::vector<rpc::ModelStatus> models() const override;
  void report(const rpc::Report& report) override;

  // Told the engine's id when a gateway saw it break an answer off.
  void on_engine_fault(std::function<void(const std::string& engine)> told) { engine_fault_ = std::move(told); }

  // Told the model and how often its engine has been started again since the last time.
  void on_engine_restart(std::function<void(const std::string& model, std::uint64_t times)> told) {
    engine_restart_ = std::move(told);
  }

  std::size_t waiting() const;
  std::size_t running() const { return running_.size(); }

 private:
  struct Place {
    std::uint64_t ticket = 0;  // 0: free
    std::string member;        // whose words it may hold; empty: unknown, so everybody is a stranger to it
    std::uint64_t used = 0;    // when, counted in grants
  };
  struct Engine {
    std::string node;
    rpc::EngineReport report;
    std::vector<Place> places;
    std::vector<std::uint32_t> free;  // indices into places
  };
  struct Held {
    rpc::Ticket ticket;
    rpc::TicketListener* listener = nullptr;
  };
  struct Line {
    std::deque<Held> held;
  };
  struct Room {
    std::string engine;
    std::uint32_t place = 0;
    std::string member;
  };

  Engine* with_room(const std::string& model);
  rpc::Grant take(Engine& engine, const rpc::Ticket& ticket);
  void dispatch(const std::string& model);
  void tell_waiting(const std::string& model);
  rpc::Waiting waiting_of(const std::string& model, std::uint64_t ticket, std::size_t position) const;
  const rpc::EngineReport* best_report(const std::string& model) const;

  Settings settings_;
  std::map<std::string, Line, std::less<>> lines_;
  std::map<std::string, Engine, std::less<>> engines_;
  std::unordered_map<std::uint64_t, Room> running_;
  std::function<void(const std::string&)> engine_fault_;
  std::function<void(const std::string&, std::uint64_t)> engine_restart_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> restarts_;  // by node and model, as last reported
  std::uint64_t grants_ = 0;
};

}  // namespace faelled::mesh
