// History: chance events for a scheduler under the eyes of a Referee, for tests. The same seed gives the same history.
// Small worlds of a few members, models and engines, so that rare meetings (a member leaves while the engine that runs
// its revoked batch is gone, and the clock jumps) are not rare.
#pragma once

#include <string>
#include <vector>

#include "base/random.hpp"
#include "commons/referee.hpp"

namespace faelled::commons {

class History {
 public:
  explicit History(std::uint64_t seed);

  void play();  // to its end
  const Referee& referee() const { return referee_; }
  std::size_t events() const { return events_; }
  std::size_t grants() const { return grants_; }

 private:
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }
  std::uint32_t number(std::uint64_t below) { return static_cast<std::uint32_t>(random_.below(below)); }
  std::string named(char kind, std::uint64_t count) { return {kind, static_cast<char>('0' + random_.below(count))}; }
  TicketNumber any(const std::vector<TicketNumber>& of) { return of.empty() ? 0 : of[random_.below(of.size())]; }
  std::uint32_t tokens();
  void time_passes();
  void step(const Event& event);
  void one_event();
  void agree();
  void engine_is();
  void arrive();
  void end();

  SeededRandom random_;
  Settings settings_;
  Scheduler scheduler_;
  Referee referee_;
  Instant now_;
  std::uint64_t members_, models_, engines_, length_;
  std::uint32_t size_;  // of requests, in tokens
  bool paced_, limits_, odd_, calm_;
  std::vector<TicketNumber> waiting_, running_, revoked_;
  TicketNumber tickets_ = 0;
  std::size_t events_ = 0, grants_ = 0;
};

}  // namespace faelled::commons
