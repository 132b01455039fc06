#include "members/directory_body.hpp"

namespace faelled::members {

void Directory::meet(UserRow row, WallTime now) {
  const auto known = body_->users.find(row.id);
  if (known == body_->users.end()) {
    row.last_seen_at = now;
    body_->know(row);
    const UserRow& kept = body_->users.at(row.id);
    const Act act(now, {store::ActorKind::front_end, kept.front_end, kept.member});
    // Not in the Audit's line: nobody waits. The row goes with its act all the same.
    body_->store.ask(
        [kept, audited = body_->audit.row(act, "user.create", {kept.id, kept.member}, {}, made(kept))](
            Store& store) -> Expected<void> {
          const auto add = [&](const UserRow& user) {
            return store.together([&]() -> Expected<void> {
              if (auto added = store.add_user(user); !added) return added;
              return store.add_audit(audited);
            });
          };
          auto added = add(kept);
          if (added || kept.email.empty() || added.error().code != Errc::exists) return added;
          UserRow without = kept;  // somebody of the member has this e-mail already
          without.email.clear();
          return add(without);
        },
        std::function<void(Expected<void>)>([weak = body_->weak_from_this(), id = kept.id](Expected<void> added) {
          const auto body = weak.lock();
          // Another gateway may have been first: the row it made is the same.
          if (body && !added && added.error().code != Errc::exists) body->forget_user(id);
        }));
    return;
  }
  UserRow& user = known->second;
  if (user.last_seen_at && now - *user.last_seen_at < limits::key_last_used_every) return;
  user.last_seen_at = now;
  (void)body_->store.post([id = row.id, now](Store& store) { (void)store.set_user_last_seen(id, now); });
  if (user.name == row.name && user.email == row.email) return;
  user.name = std::move(row.name);
  user.email = std::move(row.email);
  (void)body_->store.post([changed = user](Store& store) { (void)store.update_user(changed); });
}

}  // namespace faelled::members
