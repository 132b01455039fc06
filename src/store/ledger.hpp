// Ledger: the usage of every request, once. Reads the journal into the store and answers questions about it; an answer
// holds everything that was closed before it was asked. Owned by main(); take_in() runs on the store's thread, the rest
// is called on the event loop.
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "ledger/journal.hpp"
#include "store/store_thread.hpp"

namespace faelled::store {

class Ledger {
 public:
  // From now on the journal's rows are taken in as they come, from Store::journal_position() on.
  Ledger(ledger::Journal& journal, StoreThread& store);

  ~Ledger();  // before the journal goes
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // `limit` at most limits::usage_page_rows_max, here and below.
  using Sums = Expected<UsageSumPage>;
  void sums(UsageFilter filter, std::optional<UsageKey> after, std::size_t limit, std::function<void(Sums)> then);

  // As Store::usage_hours().
  using Hours = Expected<std::vector<UsageSum>>;
  void hours(UsageFilter filter, std::function<void(Hours)> then);

  using Page = Expected<UsagePage>;
  void rows(UsageFilter filter, std::string after, std::size_t limit, std::function<void(Page)> then);

  // On the store's thread: everything now closed in the journal becomes rows. Gives how many.
  Expected<std::size_t> take_in(Store& store);

 private:
  // Shared with the jobs that wait on the store's thread: they may outlast us, never the journal.
  struct Intake {
    ledger::Journal& journal;
    std::atomic<bool> job_waits = false;

    // From where this database says on: another one that took its place may lack what the former one had taken.
    Expected<std::size_t> run(Store& store, std::size_t batches_max = std::numeric_limits<std::size_t>::max());
  };

  // Answers `query` with everything in it that is closed now, and lets others have their turn while that is much.
  template <class Answer>
  static void ask_behind(StoreThread& store, std::shared_ptr<Intake> intake, std::function<Answer(Store&)> query,
                         std::function<void(Answer)> then);

  ledger::Journal& journal_;
  StoreThread& store_;
  std::shared_ptr<Intake> intake_;
};

}  // namespace faelled::store
