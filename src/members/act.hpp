// Act: who does something administrative, when and from where. Goes with every change, and into its audit row. Values.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "store/rows.hpp"

namespace faelled::members {

struct Actor {
  store::ActorKind kind = store::ActorKind::system;
  std::string id = {};      // of the user, key or front end; empty: it has none
  std::string member = {};  // empty: none
  store::Role role = store::Role::user;
  std::string peer = {};  // from where; empty: from inside
};

struct Act {
  // Of the server itself where nobody is named.
  Act(WallTime when, Actor who = {}, std::string request = {})  // NOLINT(google-explicit-constructor)
      : at(when), by(std::move(who)), request_id(std::move(request)) {}

  WallTime at;
  Actor by;
  std::string request_id;
};

// What is acted upon. Its kind is the action's first word: "user" of "user.create".
struct Object {
  std::string id = {};
  std::string member = {};
};

}  // namespace faelled::members
