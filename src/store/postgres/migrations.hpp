// The schema, as numbered steps that are never edited once released. Servers of two versions run beside each other
// while an installation is brought up to date, so a step only adds (expand): tables, columns that may be absent or have
// a default, indices. What is no longer used goes one release later (contract), and that step says so in `works_with`.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"
#include "store/postgres/connection.hpp"

namespace faelled::store::postgres {

struct Step {
  std::int64_t works_with;  // the oldest version, by its last step, that goes on working beside this schema
  const char* sql;
};

std::span<const Step> steps();

struct SchemaState {
  std::int64_t step = 0;        // the last one taken; 0: an empty database
  std::int64_t works_with = 0;  // of the steps taken
};

// Errors: incompatible (another program's tables).
Expected<SchemaState> schema_state(Connection& connection);

// Brings the schema up to date, all steps or none. Servers that start at once take turns; one lock is held by one of
// them. Errors: incompatible (a later version has taken something away that this one needs, or another program's).
Expected<void> migrate(Connection& connection, std::span<const Step> all = steps());

// The same question without a change: can a server of this version work with what is there now?
Expected<void> check_schema(Connection& connection, std::span<const Step> all = steps());

}  // namespace faelled::store::postgres
