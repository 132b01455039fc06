// Plan: what an import would do, key by key, before anything is done. The same plan is made again when it is carried
// out, on what is true then; doing it twice changes nothing the second time. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "key_import/key_file.hpp"
#include "store/rows.hpp"

namespace faelled::key_import {

// From the old gateway's words to members of ours. What a row says itself goes before its team, that before its user,
// that before the default.
struct Mapping {
  std::map<std::string, std::string> teams;
  std::map<std::string, std::string> users;
  std::string default_member;  // empty: none
};

enum class Verdict : std::uint8_t {
  add,
  add_blocked,  // it comes in revoked, so that it is seen and lets nobody in
  here,         // nothing to do
  left_out,     // it has expired
  bad,          // it cannot come in; the import as a whole waits until that is mended
};
std::string_view name_of(Verdict verdict);

struct Planned {
  std::size_t line = 0;
  std::string name;
  std::string member;
  std::string user;  // its name; empty: a system's key
  Verdict verdict = Verdict::bad;
  std::string why;  // of what is not added; empty otherwise
};

struct Plan {
  std::vector<Planned> keys;              // in the order of the file
  std::vector<store::UserRow> new_users;  // to be made first
  std::vector<store::KeyRow> new_keys;
  std::size_t count(Verdict verdict) const;
};

// What is there already, as the plan looks at it.
struct Existing {
  std::span<const store::MemberRow> members;
  std::span<const store::UserRow> users;
  std::span<const store::KeyRow> keys;
};

// The ids of new rows depend on the rows alone, so two runs at once make the same ones.
Plan plan_import(std::span<const OldKey> keys, const Mapping& mapping, const Existing& existing, WallTime now);

}  // namespace faelled::key_import
