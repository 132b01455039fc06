#include "members/directory_body.hpp"

namespace faelled::members {

void Directory::meet(UserRow row, WallTime now) {
  const auto known = body_->users.find(row.id);
  if (known == body_->users.end()) {
    row.last_seen_at = now;
    const UserRow& kept = body_->users.emplace(row.id, std::move(row)).first->second;
    body_->store.ask(
        [kept](Store& store) -> Expected<void> {
          auto added = store.add_user(kept);
          if (added || kept.email.empty() || added.error().code != Errc::exists) return added;
          UserRow without = kept;  // somebody of the member has this e-mail already
          without.email.clear();
          return store.add_user(without);
        },
        std::function<void(Expected<void>)>([weak = body_->weak_from_this(), id = kept.id](Expected<void> added) {
          const auto body = weak.lock();
          // Another gateway may have been first: the row it made is the same.
          if (body && !added && added.error().code != Errc::exists) body->users.erase(id);
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
