#include "members/audit.hpp"

#include <deque>

#include "base/ids.hpp"
#include "json/writer.hpp"
#include "members/refusals.hpp"

namespace faelled::members {

struct Audit::Line {
  std::deque<std::function<void(const std::shared_ptr<Line>&)>> waiting;
  bool busy = false;
  Refusals refusals;
};

Audit::Audit(store::StoreThread& store, Random& random)
    : store_(store), random_(random), line_(std::make_shared<Line>()) {}
Audit::~Audit() = default;

void Audit::enter(std::function<void(const std::shared_ptr<Line>&)> act,
                  const std::function<void(const Error&)>& refused) {
  if (line_->waiting.size() >= limits::acts_waiting_max)
    return refused({Errc::exhausted, "too many changes wait for their turn", "try again in a moment"});
  line_->waiting.push_back(std::move(act));
  if (!line_->busy) next(line_);
}

void Audit::next(const std::shared_ptr<Line>& line) {
  line->busy = !line->waiting.empty();
  if (!line->busy) return;
  const auto act = std::move(line->waiting.front());
  line->waiting.pop_front();
  act(line);
}

store::AuditRow Audit::row(const Act& act, std::string_view action, const Object& object, std::string before,
                           std::string after) {
  store::AuditRow row;
  // Rows of the same moment keep their order; a clock that was set back is followed.
  const bool same = act.at <= last_ && last_ - act.at < 1s;
  row.at = last_ = same ? last_ + 1us : act.at;
  row.id = make_id("aud_", row.at, random_);
  row.actor_kind = act.by.kind;
  row.actor = act.by.id;
  row.actor_member = act.by.member;
  row.peer = act.by.peer;
  row.action = action;
  row.object_kind = action.substr(0, action.find('.'));
  row.object = object.id;
  row.object_member = object.member;
  row.before = std::move(before);
  row.after = std::move(after);
  row.request_id = act.request_id;
  return row;
}

store::AuditRow Audit::row(const Act& act, std::string_view action, const Object& object, const Snapshot& before,
                           const Snapshot& after) {
  auto [was, is] = differences(before, after);
  if (was.empty()) return {};
  return row(act, action, object, std::move(was), std::move(is));
}

void Audit::refused(const Act& act, std::string_view action, const Object& object, std::string_view why) {
  std::string after;
  if (!why.empty()) json::Writer(after).object().member("refused", why).close_object();
  store::AuditRow refusal = row(act, action, object, {}, std::move(after));
  refusal.outcome = store::AuditOutcome::refused;
  write(line_->refusals.take(std::move(refusal)));
}

void Audit::flush(std::optional<WallTime> now) { write(line_->refusals.flush(now)); }

// A row that the store does not take is lost: a refusal changed nothing, and must not make anybody wait.
void Audit::write(std::vector<store::AuditRow> rows) {
  if (rows.empty()) return;
  (void)store_.post([rows = std::move(rows)](store::Store& store) {
    (void)store.together([&]() -> Expected<void> {
      for (const store::AuditRow& row : rows)
        if (auto added = store.add_audit(row); !added) return added;
      return {};
    });
  });
}

}  // namespace faelled::members
