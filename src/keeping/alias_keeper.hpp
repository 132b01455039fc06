// AliasKeeper: names that are moved from model to model while the server runs: it has the new model loaded, and lets
// the name mean it once it is ready. Owned by Keepers; loop's thread.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gateway/catalogue.hpp"
#include "net/timer.hpp"
#include "observe/log.hpp"
#include "portal/alias_keeping.hpp"
#include "rpc/ports.hpp"
#include "store/rows.hpp"

namespace faelled::keeping {

// Whether memory can hold both at once. Pure.
bool fit_together(const rpc::ModelResidency& one, const rpc::ModelResidency& other,
                  const std::vector<rpc::DeviceResidency>& devices);

class AliasKeeper final : public portal::AliasKeeping {
 public:
  // Keeps in the store what became of a version; what becomes of that is not waited for.
  using Keep = std::function<void(const std::string& name, std::uint64_t version, const std::string& value)>;
  AliasKeeper(net::Loop& loop, gateway::Catalogue& catalogue, rpc::ResidencyPort& residency, observe::Log& log,
              Keep keep, Duration look_every = std::chrono::milliseconds(200));

  // Those of former runs. One whose models are not here is told in the log, and is in left_out() until they are.
  void restore(const std::vector<store::NamedRow>& rows);
  // As they are in the store now, where another server may have moved them; what is no news changes nothing.
  void hear(const std::vector<store::NamedRow>& rows);

  Expected<void> may_move(const gateway::MovingAlias& alias) const override;
  void move(gateway::MovingAlias alias) override;
  void remove(const std::string& name) override;
  std::uint64_t last_version(const std::string& name) const override;
  const std::map<std::string, portal::AliasLeftOut, std::less<>>& left_out() const override { return left_out_; }

 private:
  std::optional<gateway::MovingAlias> read(const store::NamedRow& row);
  struct Order {
    bool done = false;
    bool broke = false;         // what was ordered ended by itself, or did not come up
    std::uint32_t engines = 1;  // ordered, of one that is ready
  };
  void leave_out(gateway::MovingAlias alias, const Error& why);
  void try_left_out();
  void look();
  void look(gateway::MovingAlias alias);
  void arrive(gateway::MovingAlias alias);
  void forget_order(const std::string& name, const std::string& but_for);
  // Where what it means, a model or an adapter of one, lies; nothing: where it is, it is.
  std::optional<rpc::ModelResidency> lies(const std::string& id) const;
  bool answers(const std::string& id, const rpc::ModelResidency& base) const;
  // What a name is to mean is ordered once, again when it has gone meanwhile, and much later when it broke. Why it
  // cannot be; empty: it can.
  std::string order(const gateway::MovingAlias& alias, const rpc::ModelResidency& to);
  // It came and made room again before the name had moved: memory does not hold it beside all that is in use.
  bool had_to_go(const gateway::MovingAlias& alias, const rpc::ModelResidency& to) const;
  std::vector<rpc::DeviceResidency> devices_beside(const rpc::ModelResidency& one,
                                                   const rpc::ModelResidency& other) const;
  // Whether it has as many engines as what the name means now, or cannot have them; orders what is missing.
  bool to_scale(const gateway::MovingAlias& alias, const rpc::ModelResidency& to);
  void point(gateway::MovingAlias alias);

  gateway::Catalogue& catalogue_;
  rpc::ResidencyPort& residency_;
  observe::Log& log_;
  Keep keep_;
  Duration look_every_;
  net::Timer looking_;
  std::set<std::string, std::less<>> undecided_;      // moving ones of a former run, before memories are known
  std::map<std::string, Order, std::less<>> moving_;  // by name
  std::map<std::string, portal::AliasLeftOut, std::less<>> left_out_;
  std::map<std::string, gateway::MovingAlias, std::less<>> to_come_;  // left out until their models are here
  std::map<std::string, std::uint64_t, std::less<>> last_version_;    // of removed ones
};

}  // namespace faelled::keeping
