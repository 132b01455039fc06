// What PostgreSQL's errors mean to us, with the way out. Pure.
#pragma once

#include <libpq-fe.h>

#include <string>

#include "base/error.hpp"

namespace faelled::store::postgres {

// By SQLSTATE (PostgreSQL 15, appendix A). The message never holds a value of a row: those stand in the detail alone.
Error error_of(const PGresult* result, const std::string& database);

// Connecting fails before there is an SQLSTATE, so the words decide.
Error error_of_connecting(const std::string& words, const std::string& database);

// The server ends this session, or this server takes no changes any more.
bool is_over(const PGresult* result);

}  // namespace faelled::store::postgres
