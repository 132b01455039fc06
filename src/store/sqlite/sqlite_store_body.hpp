// SqliteStore: what SQLite does in its own way: opening (sqlite_store.cpp), usage (sqlite_usage.cpp) and messages
// (sqlite_messages.cpp). The rest is sql::SqlStore's.
#pragma once

#include <memory>

#include "store/sql/sql_store.hpp"
#include "store/sqlite/connection.hpp"

namespace faelled::store::sqlite {

using sql::blob;
using sql::Row;

class SqliteStore : public sql::SqlStore {
 public:
  explicit SqliteStore(std::unique_ptr<Connection> connection) : SqlStore(*connection), db_(std::move(connection)) {}

  Expected<std::int64_t> change_mark() override { return 0; }
  Expected<Changes> changes_since(std::int64_t) override { return Changes{}; }

  Expected<void> add_usage(std::span<const ledger::UsageRow> rows, ledger::Position position) override;
  Expected<ledger::Position> journal_position() override;
  Expected<UsageSumPage> usage_sums(const UsageFilter& filter, const std::optional<UsageKey>& after,
                                    std::size_t limit) override;
  Expected<std::vector<UsageSum>> usage_hours(const UsageFilter& filter) override;
  Expected<UsagePage> usage_rows(const UsageFilter& filter, const std::string& after, std::size_t limit) override;

  Expected<void> add_message(const SealedMessage& row) override;
  Expected<std::size_t> fail_running_messages(const std::string& message, const std::string& message_da) override;

 private:
  Expected<std::vector<ledger::UsageRow>> add_new_rows(std::span<const ledger::UsageRow> rows);

  std::unique_ptr<Connection> db_;
};

}  // namespace faelled::store::sqlite
