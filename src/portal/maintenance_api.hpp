// What operators tell everybody, and what they see of the server. Of the Portal; loop's thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "portal/bulletin.hpp"
#include "portal/desk.hpp"
#include "portal/watch.hpp"

namespace faelled::portal {

class MaintenanceApi {
 public:
  MaintenanceApi(Desk& desk, ServerFacts facts) : desk_(desk), watch_(std::move(facts), desk.context) {}

  const Bulletin& bulletin() const { return bulletin_; }
  Watch& watch() { return watch_; }

  // At start, before the loop runs: what operators told before the restart. Errors: the store's, invalid.
  Expected<void> restore();
  // Where several servers share a database: what operators told by another one. The store's errors change nothing.
  net::Task<void> follow();

  net::Task<void> get_maintenance(Call& call);
  net::Task<void> update_maintenance(Call& call);
  net::Task<void> create_notice(Call& call);
  net::Task<void> update_notice(Call& call);
  net::Task<void> delete_notice(Call& call);
  net::Task<void> get_engine_log(Call& call);

 private:
  Expected<void> take_bulletin(const std::optional<store::SettingRow>& kept);
  net::Task<Expected<Bulletin>> change_bulletin(Call& call, std::string action, std::string object,
                                                std::function<Expected<Bulletin>(Bulletin)> change);

  Desk& desk_;
  Watch watch_;
  Bulletin bulletin_;
  std::optional<std::string> kept_;  // as the store has it
};

}  // namespace faelled::portal
