#include "storage.hpp"

#include <thread>

#include "store/sqlite/sqlite_store.hpp"

namespace faelled::app {
namespace {

constexpr auto look_again_after = 1s;

Expected<std::unique_ptr<store::Store>> open_postgres(store::PostgresOptions options, const Clock& clock,
                                                      observe::Log& log) {
  const Instant deadline = clock.now() + limits::store_start_wait_max;
  for (bool said = false;; said = true) {
    auto store = store::open_postgres_store(options);
    if (store || store.error().code != Errc::unavailable || clock.now() >= deadline) return store;
    if (!said) {
      log.warn("waiting for the database",
               {{"cause", store.error().message}, {"at_most_s", to_millis(limits::store_start_wait_max) / 1000}});
    }
    std::this_thread::sleep_for(look_again_after);
  }
}

// A database without anybody beside a file full of them: whoever changed over has forgotten the half of it.
Expected<void> expect_copied(const config::Config& config, const store::DataFolder& folder, store::Store& store) {
  if (config.store.url.empty() || !std::filesystem::exists(folder.database())) return {};
  auto members = store.members();
  if (!members) return std::unexpected(members.error());
  if (!members->empty()) return {};
  return fail(Errc::conflict,
              "the database is empty, and " + folder.database().string() + " holds what was kept so far",
              "run faelled store copy; or, to begin anew, move that file away");
}

}  // namespace

store::PostgresOptions postgres_options(const config::Config& config) {
  return {config.store.url, config.store.password_file, config.store.ca_file, {}};
}

Expected<Storage> open_storage(const config::Config& config, net::Loop& loop, const Clock& clock, Random& random,
                               observe::Log& log) {
  auto folder = store::DataFolder::open(config.data);
  if (!folder) return std::unexpected(folder.error());
  Expected<std::unique_ptr<store::Store>> store;
  if (config.store.url.empty()) {
    store = store::open_sqlite_store(folder->database());
  } else {
    auto options = postgres_options(config);
    auto server = folder->server_id(clock.wall(), random);
    if (!server) return std::unexpected(server.error());
    options.server = std::move(*server);
    store = open_postgres(std::move(options), clock, log);
  }
  if (!store) return std::unexpected(store.error());
  if (auto copied = expect_copied(config, *folder, **store); !copied) return std::unexpected(copied.error());
  auto master = store::Conversations::master_key(folder->master_key(), **store, random);
  if (!master) return std::unexpected(master.error());
  auto consumed = (*store)->journal_position();
  if (!consumed) return std::unexpected(consumed.error());
  if (auto failed = (*store)->fail_running_messages(store::interrupted, store::interrupted_da); !failed)
    return std::unexpected(failed.error());
  Storage storage{std::move(*folder), {}, {}, {}, {}};
  ledger::Journal::Options options;
  options.folder = storage.folder.journal();
  options.consumed = *consumed;
  auto journal = ledger::Journal::open(std::move(options));
  if (!journal) return std::unexpected(journal.error());
  storage.journal = std::move(*journal);
  storage.thread = std::make_unique<store::StoreThread>(
      std::move(*store), [&loop](std::function<void()> work) { loop.post(std::move(work)); });
  storage.ledger = std::make_unique<store::Ledger>(*storage.journal, *storage.thread);
  storage.conversations = std::make_unique<store::Conversations>(*master);
  return storage;
}

}  // namespace faelled::app
