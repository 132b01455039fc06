// Refusals: keeps audit rows of refused acts from filling the disk. Of each actor the first few in a minute are rows of
// their own; what comes beyond is counted and becomes one row for each action when the minute is over. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "store/rows.hpp"

namespace faelled::members {

class Refusals {
 public:
  // The rows to write now: `row` itself, or none where it is counted, and those of minutes that are over.
  std::vector<store::AuditRow> take(store::AuditRow row);

  // The rows of minutes that are over at `now`; of all where it is nullopt (the server's end).
  std::vector<store::AuditRow> flush(std::optional<WallTime> now);

 private:
  struct Minute {
    WallTime from;
    std::size_t written = 0;
    std::map<std::string, store::AuditRow> counted;  // by action; `times` is the count, the rest the last one's
  };
  using ActorKey = std::pair<store::ActorKind, std::string>;

  static void close(Minute& minute, std::vector<store::AuditRow>& into);

  std::map<ActorKey, Minute> minutes_;  // at most limits::refusing_actors_max and one for all others
};

}  // namespace faelled::members
