#include "members/newer.hpp"

#include <algorithm>

namespace faelled::members {
namespace {

using store::Changes;
using store::KeyRow;
using store::MemberRow;
using store::Store;
using store::UserRow;

template <class Row>
Expected<std::optional<Row>> newer(Store& store, std::int64_t mark, const std::string& id,
                                   std::vector<Row> Changes::* told, Expected<std::vector<Row>> (Store::*all)()) {
  auto changes = store.changes_since(mark);
  if (!changes) return std::unexpected(changes.error());
  std::vector<Row> rows = std::move((*changes).*told);
  if (changes->everything) {
    auto read = (store.*all)();
    if (!read) return std::unexpected(read.error());
    rows = std::move(*read);
  }
  const auto found = std::ranges::find(rows, id, &Row::id);
  if (found == rows.end()) return std::nullopt;
  return std::move(*found);
}

}  // namespace

Expected<std::optional<MemberRow>> newer_member(Store& store, std::int64_t mark, const std::string& id) {
  return newer(store, mark, id, &Changes::members, &Store::members);
}

Expected<std::optional<UserRow>> newer_user(Store& store, std::int64_t mark, const std::string& id) {
  return newer(store, mark, id, &Changes::users, &Store::users);
}

Expected<std::optional<KeyRow>> newer_key(Store& store, std::int64_t mark, const std::string& id) {
  return newer(store, mark, id, &Changes::keys, &Store::keys);
}

Expected<void> unchanged(Store& store, std::int64_t mark, const MemberRow& known) {
  auto now = newer_member(store, mark, known.id);
  if (!now) return std::unexpected(now.error());
  if (*now && **now != known) return changed_elsewhere();
  return {};
}

Expected<void> unchanged(Store& store, std::int64_t mark, const KeyRow& known) {
  auto now = newer_key(store, mark, known.id);
  if (!now) return std::unexpected(now.error());
  if (!*now) return {};
  (*now)->last_used_at = known.last_used_at;  // written now and then
  if (**now != known) return changed_elsewhere();
  return {};
}

std::unexpected<Error> changed_elsewhere() {
  return fail(Errc::conflict, "This has just been changed on another server.", "Look at it again, and try again.");
}

}  // namespace faelled::members
