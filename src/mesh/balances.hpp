// Balances: what members lent and borrowed, as a few lines of text that outlive the process. One line with the
// capacity, then a line per member: id, credit, lent, borrowed; ids as they are, for they have no spaces. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "commons/scheduler.hpp"

namespace faelled::mesh {

inline constexpr std::string_view balances_setting = "commons.balances";

struct Balance {
  commons::Work credit = 0;
  commons::Work lent = 0;
  commons::Work borrowed = 0;
  bool operator==(const Balance&) const = default;
};

struct Balances {
  commons::Work capacity_per_s = 0;
  std::map<std::string, Balance, std::less<>> members;  // none of them all zero
  bool operator==(const Balances&) const = default;
};

Balances balances_of(const commons::Scheduler& commons);

std::string text_of(const Balances& balances);
// Errors: invalid, with the line.
Expected<Balances> read_balances(std::string_view text);

// Restore and Capacity events for a scheduler that lacks these.
std::vector<commons::Event> events_of(const Balances& balances);

// What `later` has more than `earlier`; less is negative. The capacity is later's, for it is no sum.
Balances difference(const Balances& later, const Balances& earlier);
Balances sum(const Balances& one, const Balances& other);

}  // namespace faelled::mesh
