#include "members/directory_body.hpp"

namespace faelled::members {
namespace {

struct Followed {
  store::Changes changes;
  std::optional<Directory::Body::Loaded> all;
};

}  // namespace

void Directory::follow(WallTime now) {
  if (body_->following) return;
  body_->following = true;
  body_->store.ask(
      [mark = body_->change_mark, again = body_->read_again, gone = body_->signed_out,
       now](Store& store) -> Expected<Followed> {
        for (const Digest& hash : gone)
          if (auto removed = store.remove_session(hash); !removed) return std::unexpected(removed.error());
        auto changes = store.changes_since(mark);
        if (!changes) return std::unexpected(changes.error());
        Followed out{std::move(*changes), {}};
        if (!out.changes.everything && !again) return out;
        auto all = Body::read_all(store, now);
        if (!all) return std::unexpected(all.error());
        out.all = std::move(*all);
        return out;
      },
      Then<Followed>([weak = std::weak_ptr(body_), gone = body_->signed_out](Expected<Followed> given) {
        const auto body = weak.lock();
        if (!body) return;
        body->following = false;
        // What is being taken away here is not yet in what was read there: it would come back for a moment.
        if (!given || body->taking_away > 0) return;
        for (const Digest& hash : gone) body->signed_out.erase(hash);
        body->change_mark = given->changes.mark;
        if (body->told_of_others) body->told_of_others(given->changes);
        if (given->all) {
          body->read_again = false;
          body->sessions.clear();
          body->know(*given->all);
          body->agreements.know_all(std::move(given->all->agreements));
          return;
        }
        body->know({std::move(given->changes.members), std::move(given->changes.users), std::move(given->changes.keys),
                    std::move(given->changes.sessions), 0});
        body->agreements.know(given->changes);
        for (const Digest& hash : given->changes.sessions_gone) body->sessions.erase(hash);
      }));
}

void Directory::on_followed(std::function<void(const store::Changes&)> told) {
  body_->told_of_others = std::move(told);
}

Expected<Directory::Body::Loaded> Directory::Body::read_all(Store& store, WallTime now) {
  Loaded out;
  // First: what changes while the rest is read is told the next time.
  if (auto ok = into(out.change_mark, store.change_mark()); !ok) return std::unexpected(ok.error());
  if (auto ok = into(out.members, store.members()); !ok) return std::unexpected(ok.error());
  if (auto ok = into(out.users, store.users()); !ok) return std::unexpected(ok.error());
  if (auto ok = into(out.keys, store.keys()); !ok) return std::unexpected(ok.error());
  if (auto ok = into(out.sessions, store.sessions(now)); !ok) return std::unexpected(ok.error());
  if (auto ok = into(out.agreements, Agreements::read_all(store, now)); !ok) return std::unexpected(ok.error());
  return out;
}

void Directory::Body::know(const Loaded& rows) {
  for (const MemberRow& row : rows.members) members.insert_or_assign(row.id, row);
  for (const UserRow& row : rows.users) {
    const auto before = users.find(row.id);
    const bool turned = before != users.end() && before->second.disabled_at.has_value() != row.disabled_at.has_value();
    know(row);
    if (turned) set_disabled(users.at(row.id), row.disabled_at);
  }
  for (KeyRow row : rows.keys) {
    // The last use is written now and then; what is known here may be the later one.
    if (const auto hash = key_hashes.find(row.id); hash != key_hashes.end())
      row.last_used_at = std::max(row.last_used_at, keys.at(hash->second).row.last_used_at);
    know(row);
  }
  for (const SessionRow& row : rows.sessions)
    if (!signed_out.contains(row.hash)) know(row);
}

}  // namespace faelled::members
