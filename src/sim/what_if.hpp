// WhatIf: how would members wait if one of them asked for more? Plays recorded demand twice through the scheduler of
// production, as it was and with more of it, on places as fast as they were measured. Pure: the same question has the
// same answer on every machine. Takes seconds for much demand: not for the thread of an event loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "sim/world.hpp"

namespace faelled::sim {

// One request of the ledger. Nothing of what was asked.
struct Recorded {
  Duration at{};  // after the window's beginning
  std::string member;
  std::string caller;
  std::string model;
  bool person = false;             // and no system
  std::uint32_t input_tokens = 0;  // those that had to be read: not the cached ones
  std::uint32_t output_tokens = 0;
  Duration waited{};  // until it came to the engine
  Duration engine{};  // there; zero: it never came so far, and its size is not known
};

struct WhatIf {
  struct Model {
    std::string id;
    std::uint32_t places = 0;
  };
  std::vector<Recorded> recorded;
  Duration window{};
  std::vector<Model> models;  // of others, and of those with 0 places: as many as were seen busy at once
  std::vector<WorldMember> members;
  WorldMember others;
  // What there is more of: first the member's demand times `factor`, then so many people like those that it has (or, if
  // it has none, like those of all). What is added comes up to a quarter of an hour before or after its pattern.
  std::string member;
  double factor = 1;
  std::uint32_t users_more = 0;
};

struct WhatIfAnswer {
  struct Speed {
    std::string model;
    std::uint32_t places = 1;
    double input_token_s = 0;
    double output_token_s = 0;
    bool measured = false;  // false: nobody was served, and these are guesses
  };
  struct Fared {
    std::uint32_t requests = 0;
    std::uint32_t unserved = 0;  // waited as long as the member waits
    std::uint64_t demanded = 0;  // work
    std::uint64_t served = 0;
    std::optional<Duration> wait_p50;  // in line, of those served; nullopt: there are none
    std::optional<Duration> wait_p95;
  };
  struct Member {
    std::string id;
    Fared before;
    Fared after;
  };
  std::vector<Speed> models;    // by id
  std::vector<Member> members;  // by id
  std::uint32_t users = 0;      // people (or else systems) that the added ones are like
};

// Errors: too_large (more requests than limits::what_if_requests_max).
Expected<WhatIfAnswer> what_if(const WhatIf& question);

}  // namespace faelled::sim
