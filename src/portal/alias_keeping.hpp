// AliasKeeping: what the portal needs to let operators move a name from one model to another while the server runs.
// main() implements it. Loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "gateway/catalogue.hpp"

namespace faelled::portal {

// A stored alias that could not be taken in when the server started.
struct AliasLeftOut {
  std::string model;  // what it meant; empty: not even that can be read
  std::string why;
  std::string why_da;
  gateway::MovingAlias stored{};  // all of it; without a name: it cannot be read
  bool operator==(const AliasLeftOut&) const = default;
};

class AliasKeeping {
 public:
  virtual ~AliasKeeping() = default;
  // Why it cannot mean that model, in plain words. Errors: exists, not_found, invalid (it does not fit this server).
  virtual Expected<void> may_move(const gateway::MovingAlias& alias) const = 0;
  // It is in the store. What it is to mean (`moving_to`, or else `model`) it means once that model is ready, or at once
  // where the two cannot be in memory together: those who ask meanwhile wait in the new one's line.
  virtual void move(gateway::MovingAlias alias) = 0;
  virtual void remove(const std::string& name) = 0;
  // It was removed once, or left out: counts on from there.
  virtual std::uint64_t last_version(const std::string& name) const = 0;
  // By name. One that is moved or removed stands here no longer.
  virtual const std::map<std::string, AliasLeftOut, std::less<>>& left_out() const = 0;
};

// What is kept in the store of an alias; a version alone: it was removed.
std::string stored_alias(const gateway::MovingAlias& alias);
std::string removed_alias(std::uint64_t version);
// Back: an alias without a model was removed. Nothing: it is no such text.
std::optional<gateway::MovingAlias> read_alias(std::string_view name, std::string_view stored);

}  // namespace faelled::portal
