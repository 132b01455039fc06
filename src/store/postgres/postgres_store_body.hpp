// PostgresStore: what PostgreSQL does in its own way: opening (postgres_store.cpp), what others changed
// (postgres_changes.cpp), usage (postgres_usage.cpp), and what says which of several servers wrote it
// (postgres_servers.cpp). The rest is sql::SqlStore's.
#pragma once

#include <memory>

#include "store/postgres/connection.hpp"
#include "store/sql/sql_store.hpp"

namespace faelled::store::postgres {

using sql::blob;

class PostgresStore final : public sql::SqlStore {
 public:
  PostgresStore(std::unique_ptr<Connection> connection, std::string server)
      : SqlStore(*connection), db_(std::move(connection)), server_(std::move(server)) {}

  bool available() const override { return db_->connected(); }
  Expected<void> take_turn() override;
  // Behind a new connection there may be another database, which lacks the last commits of the former one.
  std::uint64_t rolled_back() const override { return SqlStore::rolled_back() + db_->connections(); }

  Expected<void> remove_expired(WallTime now) override;

  Expected<std::int64_t> change_mark() override;
  Expected<Changes> changes_since(std::int64_t mark) override;

  Expected<void> add_usage(std::span<const ledger::UsageRow> rows, ledger::Position position) override;
  Expected<ledger::Position> journal_position() override;
  Expected<UsageSumPage> usage_sums(const UsageFilter& filter, const std::optional<UsageKey>& after,
                                    std::size_t limit) override;
  Expected<std::vector<UsageSum>> usage_hours(const UsageFilter& filter) override;
  Expected<UsagePage> usage_rows(const UsageFilter& filter, const std::string& after, std::size_t limit) override;

  Expected<void> add_message(const SealedMessage& row) override;
  Expected<void> update_message(const SealedMessage& row) override;
  Expected<std::size_t> fail_running_messages(const std::string& message, const std::string& message_da) override;

 private:
  std::unique_ptr<Connection> db_;
  std::string server_;  // which of the servers on the database this is
};

}  // namespace faelled::store::postgres
