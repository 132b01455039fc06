// Snapshot: what a row was before or after an act, as the audit keeps it: field by field as JSON, no secrets, and of
// people's names and emails only that they changed, so that a person can be forgotten and the audit stands. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "store/rows.hpp"

namespace faelled::members {

struct Snapshot {
  struct Field {
    std::string name;
    std::string value;  // JSON
    bool personal = false;
  };
  std::vector<Field> fields;  // always the same ones for one kind of row

  static Snapshot of(const store::MemberRow& row);
  static Snapshot of(const store::UserRow& row);
  static Snapshot of(const store::KeyRow& row);
  static Snapshot of(const store::TierRow& row);
  static Snapshot of(const store::AgreementRow& row);
  // One text setting.
  static Snapshot of(std::string_view name, std::string_view value);
};

// The fields that differ, as two JSON objects: before and after. Both empty: none differs.
std::pair<std::string, std::string> differences(const Snapshot& before, const Snapshot& after);

// What a new row has beyond an empty one, for an act that makes it.
template <class Row>
std::string made(const Row& row) {
  return differences(Snapshot::of(Row{}), Snapshot::of(row)).second;
}

}  // namespace faelled::members
