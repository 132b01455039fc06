#include "members/directory_body.hpp"

namespace faelled::members {

void Directory::take_in(std::vector<UserRow> users, std::vector<KeyRow> keys, Then<void> then) {
  body_->store.ask(
      [users, keys](Store& store) {
        return store.together([&]() -> Expected<void> {
          for (const UserRow& row : users)
            if (auto added = store.add_user(row); !added) return added;
          for (const KeyRow& row : keys)
            if (auto added = store.add_key(row); !added) return added;
          return {};
        });
      },
      std::function<void(Expected<void>)>([weak = body_->weak_from_this(), users, keys, then](Expected<void> added) {
        const auto body = weak.lock();
        if (!body) return;
        if (added) {
          for (const UserRow& row : users) body->users.emplace(row.id, row);
          for (const KeyRow& row : keys) body->know(row);
        }
        then(std::move(added));
      }));
}

}  // namespace faelled::members
