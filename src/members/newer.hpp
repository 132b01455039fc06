// What another server on the database has made of a row since we last heard from it. An act is decided on what is in
// memory, which may be limits::store_follow_every old, and writes whole rows: it must not bring back what was taken
// away meanwhile. On the store's thread, in the act's turn (Store::take_turn); a store of our own alone has nothing to
// tell.
#pragma once

#include <optional>
#include <string>

#include "store/store.hpp"

namespace faelled::members {

// The row as the store has it now, where it was changed after `mark`, perhaps by ourselves; else nothing. Errors: the
// store's.
Expected<std::optional<store::MemberRow>> newer_member(store::Store& store, std::int64_t mark, const std::string& id);
Expected<std::optional<store::UserRow>> newer_user(store::Store& store, std::int64_t mark, const std::string& id);
Expected<std::optional<store::KeyRow>> newer_key(store::Store& store, std::int64_t mark, const std::string& id);

// Nothing: the store has it as we know it. Errors: conflict, and the store's.
Expected<void> unchanged(store::Store& store, std::int64_t mark, const store::MemberRow& known);
Expected<void> unchanged(store::Store& store, std::int64_t mark, const store::KeyRow& known);

std::unexpected<Error> changed_elsewhere();

}  // namespace faelled::members
