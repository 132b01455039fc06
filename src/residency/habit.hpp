// Habit: in which quarters of an hour a model is asked for, on working days and on others, learned day by day. What is
// asked every morning at eight need not be woken by the first who asks. 400 bytes, for models that are asked at all. A
// value; the owner says which quarter it is.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace faelled::residency {

struct Quarter {
  static constexpr std::uint32_t in_a_day = 96;
  static constexpr Duration takes = std::chrono::minutes(15);
  std::uint32_t number = 0;  // of the day, by local time: 32 begins at eight
  bool working_day = true;   // Monday to Friday

  // Which comes after it; `working_day` of tomorrow is not known here, so midnight has none.
  bool last() const { return number + 1 == in_a_day; }
  Quarter next() const { return {number + 1, working_day}; }
  bool operator==(const Quarter&) const = default;
};

class Habit {
 public:
  // In the quarter under way.
  void asked(Quarter quarter) { today_[quarter.number] = true; }
  // It is over: what was learned of it. Counts at most the last `remembered` days, the newest most.
  void over(Quarter quarter);
  // That it will be asked for in this quarter, from 0 to 1. What a few days show is drawn towards how often it is asked
  // for at any time of such a day: of many models and quarters some are always asked for on the first days by chance.
  double likely(Quarter quarter) const;

  // It is loaded ahead for this quarter, and later: it was asked for before it went again.
  void warmed(Quarter quarter);
  void used() { came_ += 1; }
  // That loading it ahead for this quarter is of use: likely(), corrected by what came of it before, of late most.
  double worth_warming(Quarter quarter) const;

  // What was learned, so that it outlives the process: a few dozen characters without spaces or line ends. But for the
  // quarter under way.
  std::string text() const;
  // Nothing: it is no such text.
  static std::optional<Habit> of_text(std::string_view text);
  // Nothing that would ever be likely.
  bool empty() const;
  bool operator==(const Habit&) const = default;

 private:
  static constexpr std::uint8_t remembered = 15;
  struct Kind {
    std::array<std::uint8_t, Quarter::in_a_day> likely{};  // in parts of 255
    std::array<std::uint8_t, Quarter::in_a_day> days{};    // that were looked at
    bool operator==(const Kind&) const = default;
  };
  std::array<Kind, 2> kinds_{};
  std::bitset<Quarter::in_a_day> today_;
  float hoped_ = 0, came_ = 0;  // of loads ahead: the sum of what was likely, and the uses
};

}  // namespace faelled::residency
