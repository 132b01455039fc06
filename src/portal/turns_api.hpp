// What the page asks a model, and how it watches the answer. Of the Portal; loop's thread.
#pragma once

#include <string>

#include "gateway/gateway.hpp"
#include "portal/asking.hpp"
#include "portal/desk.hpp"
#include "portal/turns.hpp"

namespace faelled::portal {

class TurnsApi {
 public:
  TurnsApi(Desk& desk, gateway::Gateway& gateway, Turns& turns, Duration keep_alive_every)
      : desk_(desk), gateway_(gateway), turns_(turns), keep_alive_every_(keep_alive_every) {}

  // start_turn_api.cpp
  net::Task<void> start_turn(Call& call);
  net::Task<void> start_loose_turn(Call& call);
  // turns_api.cpp
  net::Task<void> watch_turn(Call& call);
  net::Task<void> stop_turn(Call& call);

 private:
  store::Message new_message(std::string conversation, store::MessageRole role, WallTime now);
  void begin_turn(Call& call, const members::Session& session, store::Conversation conversation, Asked asked,
                  std::uint32_t tokens_max, TurnPlaces::Place place);

  Desk& desk_;
  gateway::Gateway& gateway_;
  Turns& turns_;
  const Duration keep_alive_every_;
};

}  // namespace faelled::portal
