#include "members/retention.hpp"

#include <algorithm>

#include "json/writer.hpp"

namespace faelled::members {

void Retention::run(WallTime now, std::function<void(Expected<std::size_t>)> then) {
  std::vector<Due> due;
  for (const MemberRow& member : directory_.members()) {
    if (!member.policy.retention_days) continue;
    const WallTime before = now - std::chrono::days(*member.policy.retention_days);
    due.push_back({member.id, before,
                   directory_.audit().row(now, "conversation.erase", {{}, member.id}, std::string(), std::string())});
  }
  std::ranges::rotate(due, std::ranges::upper_bound(due, last_, {}, &Due::member));
  struct Erased {
    std::size_t rows = 0;
    std::string last;
  };
  store_.ask(
      [due = std::move(due)](store::Store& store) -> Expected<Erased> {
        Erased out;
        for (const Due& of : due) {
          const std::size_t left = limits::retention_rows_max - out.rows;
          if (left == 0) break;
          auto done = store.together([&]() -> Expected<void> {
            auto removed = store.remove_conversations(of.member, of.before, left);
            if (!removed) return std::unexpected(removed.error());
            if (*removed == 0) return {};
            out.rows += *removed;
            store::AuditRow row = of.row;
            json::Writer(row.after).object().member("conversations", *removed).close_object();
            return store.add_audit(row);
          });
          if (!done) return std::unexpected(done.error());
          out.last = of.member;
        }
        return out;
      },
      std::function<void(Expected<Erased>)>([this, then = std::move(then)](Expected<Erased> erased) {
        if (!erased) return then(std::unexpected(erased.error()));
        last_ = erased->last;
        then(erased->rows);
      }));
}

}  // namespace faelled::members
