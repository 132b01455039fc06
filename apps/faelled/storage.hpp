// Storage: what lasts longer than the event loop, opened in the order in which one needs the other. main() owns it.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "ledger/journal.hpp"
#include "net/loop.hpp"
#include "observe/log.hpp"
#include "store/conversations.hpp"
#include "store/data_folder.hpp"
#include "store/ledger.hpp"
#include "store/postgres/postgres_store.hpp"
#include "store/store_thread.hpp"

namespace faelled::app {

struct Storage {
  store::DataFolder folder;
  std::unique_ptr<ledger::Journal> journal;
  std::unique_ptr<store::Conversations> conversations;
  std::unique_ptr<store::StoreThread> thread;  // its last jobs use the two before
  std::unique_ptr<store::Ledger> ledger;
};

// Waits up to limits::store_start_wait_max for a database that does not answer yet, and says so in the log: after a
// power cut it may be the slower one. Whatever else is wrong is refused at once.
Expected<Storage> open_storage(const config::Config& config, net::Loop& loop, const Clock& clock, Random& random,
                               observe::Log& log);

store::PostgresOptions postgres_options(const config::Config& config);

}  // namespace faelled::app
