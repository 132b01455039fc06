#include "members/refusals.hpp"

namespace faelled::members {

void Refusals::close(Minute& minute, std::vector<store::AuditRow>& into) {
  for (auto& [action, row] : minute.counted) into.push_back(std::move(row));
  minute.counted.clear();
}

std::vector<store::AuditRow> Refusals::take(store::AuditRow row) {
  std::vector<store::AuditRow> out;
  ActorKey actor{row.actor_kind, row.actor.empty() ? row.peer : row.actor};
  if (!minutes_.contains(actor) && minutes_.size() >= limits::refusing_actors_max) {
    out = flush(row.at);
    if (minutes_.size() >= limits::refusing_actors_max) actor = {};
  }
  Minute& minute = minutes_.try_emplace(actor, Minute{row.at, 0, {}}).first->second;
  // A clock that was set back begins a new minute as well: `from` would keep it for ever.
  if (row.at - minute.from >= limits::refusals_counted_for || row.at < minute.from) {
    close(minute, out);
    minute = Minute{row.at, 0, {}};
  }
  if (minute.written < limits::refusals_written_max) {
    ++minute.written;
    out.push_back(std::move(row));
    return out;
  }
  // Actions are those of the routes, a few dozen; a bound all the same.
  const auto found = minute.counted.find(row.action);
  if (found == minute.counted.end() && minute.counted.size() >= limits::refusals_written_max) return out;
  const std::uint32_t times = found == minute.counted.end() ? 0 : found->second.times;
  row.times = times + 1;
  minute.counted.insert_or_assign(row.action, std::move(row));
  return out;
}

std::vector<store::AuditRow> Refusals::flush(std::optional<WallTime> now) {
  std::vector<store::AuditRow> out;
  for (auto& [actor, minute] : minutes_) {
    if (!now || *now - minute.from >= limits::refusals_counted_for) close(minute, out);
  }
  std::erase_if(minutes_,
                [&](const auto& entry) { return !now || *now - entry.second.from >= limits::refusals_counted_for; });
  return out;
}

}  // namespace faelled::members
