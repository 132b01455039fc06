#include "store/postgres/postgres_store.hpp"

#include "store/postgres/migrations.hpp"
#include "store/postgres/postgres_store_body.hpp"

namespace faelled::store {
namespace {

Expected<std::unique_ptr<postgres::Connection>> connect(const PostgresOptions& options) {
  auto address = postgres::Address::of(options.url, options.password_file, options.ca_file);
  if (!address) return std::unexpected(address.error());
  return postgres::Connection::open(std::move(*address));
}

}  // namespace

Expected<std::unique_ptr<Store>> open_postgres_store(const PostgresOptions& options) {
  auto connection = connect(options);
  if (!connection) return std::unexpected(connection.error());
  if (auto migrated = postgres::migrate(**connection); !migrated) return std::unexpected(migrated.error());
  (*connection)->greet_with([](postgres::Connection& fresh) { return postgres::check_schema(fresh); });
  return std::make_unique<postgres::PostgresStore>(std::move(*connection), options.server);
}

Expected<PostgresLook> look_at_postgres(const PostgresOptions& options) {
  auto connection = connect(options);
  if (!connection) return std::unexpected(connection.error());
  PostgresLook out;
  auto read = (*connection)->each("SHOW server_version", [&](sql::Row& row) { out.server_version = row.text(); });
  if (!read) return std::unexpected(read.error());
  auto state = postgres::schema_state(**connection);
  if (!state) return std::unexpected(state.error());
  out.step = state->step;
  out.step_newest = static_cast<std::int64_t>(postgres::steps().size());
  return out;
}

}  // namespace faelled::store
