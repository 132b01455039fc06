#include "members/directory_body.hpp"
#include "members/rights.hpp"

namespace faelled::members {

void Directory::take_in(std::vector<UserRow> users, std::vector<KeyRow> keys, Act act, Then<void> then) {
  struct Taken {};
  body_->change<Taken>(
      [body = body_.get(), users = std::move(users), keys = std::move(keys), act]() -> Expected<Deed<Taken>> {
        if (!over_all(act.by)) return fail(Errc::forbidden, "Only an operator imports keys.");
        std::vector<store::AuditRow> rows;
        for (const UserRow& row : users)
          rows.push_back(body->audit.row(act, "user.import", {row.id, row.member}, {}, made(row)));
        for (const KeyRow& row : keys)
          rows.push_back(body->audit.row(act, "key.import", {row.id, row.member}, {}, made(row)));
        return Deed<Taken>{[users, keys, rows = std::move(rows)](Store& store) -> Expected<Taken> {
                             for (const UserRow& row : users)
                               if (auto added = store.add_user(row); !added) return std::unexpected(added.error());
                             for (const KeyRow& row : keys)
                               if (auto added = store.add_key(row); !added) return std::unexpected(added.error());
                             for (const store::AuditRow& row : rows)
                               if (auto added = store.add_audit(row); !added) return std::unexpected(added.error());
                             return Taken{};
                           },
                           {},  // a row for each, written by the job
                           [body, users, keys](Taken&) {
                             for (const UserRow& row : users) body->know(row);
                             for (const KeyRow& row : keys) body->know(row);
                           }};
      },
      [then = std::move(then)](Expected<Taken> given) {
        if (!given) return then(std::unexpected(given.error()));
        then({});
      });
}

}  // namespace faelled::members
