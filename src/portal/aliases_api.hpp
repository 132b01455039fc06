// Names that move from model to model. Of the Portal; loop's thread.
#pragma once

#include <optional>
#include <string>

#include "portal/alias_keeping.hpp"
#include "portal/desk.hpp"

namespace faelled::portal {

class AliasesApi {
 public:
  AliasesApi(Desk& desk, AliasKeeping* aliases) : desk_(desk), aliases_(aliases) {}

  net::Task<void> list_aliases(Call& call);
  net::Task<void> put_alias(Call& call);
  net::Task<void> roll_back_alias(Call& call);
  net::Task<void> remove_alias(Call& call);

 private:
  struct Wish {
    std::string model;
    bool back = false;  // to what it meant before, whatever `model` says
    std::optional<std::string> owner;
    std::optional<rpc::Lane> lane;
    std::optional<bool> listed;
    std::optional<std::uint64_t> version;  // the one that was seen
  };
  net::Task<void> move_alias(Call& call, Wish wish, std::string_view action);
  std::uint64_t latest(const gateway::MovingAlias& alias) const;
  std::expected<gateway::MovingAlias, openai::ApiError> moved(const std::string& name, const Wish& wish) const;

  Desk& desk_;
  AliasKeeping* aliases_;  // nullptr: no name moves
};

}  // namespace faelled::portal
