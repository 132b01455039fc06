// A mesh over a node that does nothing by itself.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mesh/mesh.hpp"

namespace faelled::mesh {

struct Caller final : rpc::TicketListener {
  void granted(const rpc::Grant& g) override { grants.push_back(g); }
  void waiting(const rpc::Waiting& w) override { last_waiting = w; }
  void refused(const rpc::Refusal& r) override { refusals.push_back(r); }
  void revoked() override {}
  std::vector<rpc::Grant> grants;
  std::vector<rpc::Refusal> refusals;
  rpc::Waiting last_waiting;
};

// A mesh of models a, b and c of 4 bytes each in a memory of 8, and a node that does nothing by itself.
class ResidentsTest : public testing::Test, public rpc::NodePort {
 protected:
  ResidentsTest() {
    mesh.nodes(*this);
    for (const char* model : {"a", "b", "c"}) mesh.know({model, 4, std::chrono::seconds(3)});
    report_now();
  }

  void direct(const rpc::Directive& directive) override {
    directives.push_back(directive);
    if (directive.act == rpc::Directive::Act::load) {
      rpc::EngineReport engine;
      engine.engine = directive.model + "-" + std::to_string(++engines_begun);
      engine.model = directive.model;
      engine.state = rpc::EngineState::starting;
      engine.places = 1;
      engine.engine_kind = "llama";
      engine.device = directive.device;
      report.engines.push_back(engine);
    }
  }
  std::vector<rpc::Directive> told() { return std::exchange(directives, {}); }

  void report_now() { mesh.report(rpc::Report(report)); }
  void is(const std::string& model, rpc::EngineState state) {
    for (rpc::EngineReport& engine : report.engines)
      if (engine.model == model) engine.state = state;
    report_now();
  }
  void gone(const std::string& model) {
    std::erase_if(report.engines, [&](const rpc::EngineReport& e) { return e.model == model; });
    report_now();
  }
  void serve(const std::string& model) {
    Caller caller;
    ask(model, caller);
    is(model, rpc::EngineState::ready);
    end();
  }
  void ask(const std::string& model, Caller& caller, const std::string& member = "aarhus") {
    rpc::Ticket ticket;
    ticket.number = ++tickets;
    ticket.member = member;
    ticket.model = model;
    ticket.admitted = clock.now();
    mesh.submit(ticket, caller);
  }
  void end(std::uint64_t ticket = 0) { mesh.end({ticket == 0 ? tickets : ticket, rpc::Outcome::done, 1, 0, 1}); }
  rpc::ModelResidency at(const std::string& model) { return mesh.residency(model).value_or(rpc::ModelResidency()); }

  ManualClock clock;
  Mesh mesh{clock, {{"a", "b", "c", "elsewhere"}}};
  rpc::Report report{"n1", {}, {{"host", 8}}};
  std::vector<rpc::Directive> directives;
  std::uint64_t tickets = 0;
  int engines_begun = 0;
};

}  // namespace faelled::mesh
