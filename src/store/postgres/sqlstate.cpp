#include "store/postgres/sqlstate.hpp"

#include <string_view>

namespace faelled::store::postgres {
namespace {

std::string_view state_of(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state == nullptr ? "" : state;
}

struct Meaning {
  std::string_view state;  // of one error, or the two characters of a class
  Errc code;
  const char* hint;
  // Of what may reach whoever asked: they hear neither an address nor the database's words.
  const char* words = nullptr;
};

// The first that fits counts.
constexpr Meaning meanings[] = {
    {"23505", Errc::exists, "", "there is one already"},
    {"23503", Errc::not_found, "", "what it belongs to is not there"},
    {"23", Errc::invalid, "", "a value does not fit"},
    {"FA001", Errc::forbidden, "", "these rows are only ever added to"},
    {"53100", Errc::unavailable, "free space on the database's disk"},
    {"53300", Errc::unavailable, "raise max_connections of PostgreSQL, or end other clients"},
    {"53", Errc::unavailable, "the database's machine is short of memory or disk"},
    {"08", Errc::unavailable, "is the network to the database up?"},
    {"57", Errc::unavailable, "the database is stopping or starting, or took too long; try again in a moment"},
    {"55P03", Errc::unavailable, "somebody holds a lock on faelled's tables: end that session"},
    {"40", Errc::unavailable, "two changes met; try again"},
    {"25006", Errc::unavailable, "this PostgreSQL is a copy that takes no changes: name the primary in `store`"},
    {"25", Errc::unavailable, "try again"},
    {"42501", Errc::io, "give the role of the address the right to faelled's tables (GRANT ALL ON SCHEMA)"},
    {"42P", Errc::incompatible,
     "the tables are not those of this version: was the database restored from another one?"},
    {"42703", Errc::incompatible, "the tables are not those of this version: was the database restored from another?"},
    {"28", Errc::io, "check the user of the address, the password file and PostgreSQL's pg_hba.conf"},
    {"3D000", Errc::io, "make it: createdb --encoding UTF8 --owner USER DATABASE"},
};

}  // namespace

Error error_of(const PGresult* result, const std::string& database) {
  const std::string_view state = state_of(result);
  const char* words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  std::string what = database + ": " + (words == nullptr ? "an error without words" : words);
  for (const Meaning& meaning : meanings) {
    if (!state.starts_with(meaning.state)) continue;
    if (meaning.words == nullptr) return {meaning.code, std::move(what), meaning.hint};
    const char* rule = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    return {meaning.code, meaning.words + (rule == nullptr ? "" : " (" + std::string(rule) + ")"), meaning.hint};
  }
  return {Errc::io, what + " (" + std::string(state) + ")", "PostgreSQL's log says more"};
}

bool is_over(const PGresult* result) {
  const std::string_view state = state_of(result);
  return state.starts_with("57P") || state == "25006" || state == "25P03";
}

Error error_of_connecting(const std::string& words, const std::string& database) {
  const std::string what = "the database " + database + " cannot be reached: " + words;
  const auto says = [&](std::string_view part) { return words.find(part) != std::string::npos; };
  if (says("password authentication failed") || says("no password supplied") || says("pg_hba.conf") ||
      says("authentication failed"))
    return {Errc::io, what, "check the user of the address, `store_password_file` and PostgreSQL's pg_hba.conf"};
  if (says("certificate") || says("SSL"))
    return {Errc::io, what, "name who signed the server's certificate with `store_ca_file`; its name is the address's"};
  if (says("\" does not exist")) return {Errc::io, what, "make it: createuser USER; createdb --owner USER DATABASE"};
  return {Errc::unavailable, what, "is PostgreSQL running, and is the network to it up?"};
}

}  // namespace faelled::store::postgres
