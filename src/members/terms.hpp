// Terms: what a member may have at a moment, as its agreement says. What the scheduler reads. Values.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/rows.hpp"

namespace faelled::members {

// Those of a member without an agreement are the defaults: the smallest share, and no limit of its own.
struct Terms {
  std::uint32_t share = 1;
  std::uint32_t places = 0;                       // in use at once, as promised; 0: no limit
  std::optional<std::chrono::seconds> wait = {};  // in line before a refusal; absent: as the server has it
  std::vector<std::string> models = {};           // and adapters; empty: all
  bool suspended = false;                         // what runs goes on to its end, new requests are refused
  std::string reason_da = {}, reason_en = {};     // of the suspension
  std::string tier = {};                          // empty: there is no agreement
  std::string agreement = {};
  bool operator==(const Terms&) const = default;
};

Terms terms_of(const store::AgreementRow& row);

// When its last day is over; nullopt: it has none.
std::optional<WallTime> runs_out(const store::AgreementRow& row);

// Has it ended or run out by then?
bool is_over(const store::AgreementRow& row, WallTime at);
// Has it begun, and is not over?
bool in_force(const store::AgreementRow& row, WallTime at);

// More places may be promised than there are. Then every limit counts in proportion to the largest one, so that who was
// promised twice as much still has twice as much.
struct PlaceScale {
  std::uint32_t promised = 0;  // the largest limit
  std::uint32_t there = 0;     // 0: nobody knows yet, and nothing is scaled

  bool too_much() const { return there > 0 && promised > there; }
  std::uint32_t of(std::uint32_t places) const {
    if (places == 0 || !too_much()) return places;
    const std::uint64_t scaled = std::uint64_t{places} * there / promised;
    return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, scaled));
  }
};

}  // namespace faelled::members
