// Turns: the answers that the page has under way, and those that ended a while ago: a refresh finds its answer again.
// Of the Portal; loop's thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/limits.hpp"
#include "gateway/gateway.hpp"
#include "portal/desk.hpp"
#include "portal/turn.hpp"
#include "portal/turn_places.hpp"

namespace faelled::portal {

// Why no words of this person's are kept here; nothing: they are.
std::optional<openai::ApiError> kept_elsewhere(const members::Session& session);

class Turns {
 public:
  struct Settings {
    Turn::Bounds turn;
    Duration checkpoint_every = 2s;  // what a kill -9 may cost of a running answer
    Duration ended_turn_kept = 5min;
    std::size_t turns_max = limits::turns_running_max;
    TurnPlaces::Bounds places = {};
    Duration store_retry_every = 1s;
  };

  Turns(Desk& desk, gateway::Gateway& gateway, Settings settings)
      : desk_(desk), gateway_(gateway), settings_(settings), places_(settings.places) {}

  // Of a conversation; nullptr: none runs.
  std::shared_ptr<Turn> running(std::string_view conversation) const;
  // Of an answer; nullptr: it has none, or had it too long ago.
  const Turn* of(const store::Message& answer) const;
  // The visitor's own, by the call's id.
  std::shared_ptr<Turn> own(const Call& call) const;

  // Errors: queue_full (this person's answers, or everybody's).
  std::expected<TurnPlaces::Place, openai::ApiError> place_for(const std::string& person, std::size_t bytes);
  // `body`: for the gateway. `counts`: as Turn's.
  std::shared_ptr<Turn> begin(const members::Session& session, store::Conversation conversation, store::Message answer,
                              bool counts, std::string body, TurnPlaces::Place place);
  // One that has ended and is kept nowhere: its page has it.
  void forget(const Turn& turn);
  // Whether the visitor's page has said so before, as where it is told to stop as it ends.
  bool forgotten(const Call& call) const;
  // Those that ended a while ago, and where all places are taken the oldest of the ended ones.
  void forget_old();

  // All of one person's end as they wish it.
  void stop_all_of(std::string_view user);
  // All of whoever is let in no more.
  void cut_off_disabled(std::string_view user);
  // All: the server ends.
  void cut_off_all();

  // Is this person still let in? Whoever was disabled sees and is written no more.
  bool lets_in(const std::string& user) const;

 private:
  net::Task<void> run(std::shared_ptr<Turn> turn, members::Caller caller, std::string body, TurnPlaces::Place place);
  void cut_off_disabled(Turn& turn) const;

  Desk& desk_;
  gateway::Gateway& gateway_;
  const Settings settings_;
  std::map<std::string, std::shared_ptr<Turn>> turns_;         // by id, so in order of start
  std::deque<std::pair<std::string, std::string>> forgotten_;  // id and user of the last ones
  TurnPlaces places_;
};

}  // namespace faelled::portal
