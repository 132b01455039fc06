#include "store/ledger.hpp"

#include <algorithm>

namespace faelled::store {

Ledger::Ledger(ledger::Journal& journal, StoreThread& store, ledger::Position from)
    : journal_(journal), store_(store), position_(from) {
  journal_.notify([this] { readable(); });
}

Ledger::~Ledger() { journal_.notify({}); }

void Ledger::readable() {
  if (take_in_waits_.exchange(true)) return;
  const auto posted = store_.post([this](Store& store) {
    take_in_waits_ = false;
    // A store that does not answer now is asked again: the journal keeps the rows and calls until they are read.
    (void)take_in(store);
  });
  if (!posted) take_in_waits_ = false;
}

Expected<std::size_t> Ledger::take_in(Store& store) {
  std::size_t rows = 0;
  for (;;) {
    auto batch = journal_.read(position_, limits::ledger_intake_rows_max);
    if (!batch) return std::unexpected(batch.error());
    if (batch->next == position_) return rows;
    if (auto added = store.add_usage(batch->closed, batch->next); !added) return std::unexpected(added.error());
    position_ = batch->next;
    journal_.consumed(position_);
    rows += batch->closed.size();
    // A batch that is not full reached the end; to go on until nothing comes could last as long as the load does.
    if (batch->closed.size() < limits::ledger_intake_rows_max) return rows;
  }
}

void Ledger::sums(UsageFilter filter, std::function<void(Sums)> then) {
  store_.ask(
      [this, filter = std::move(filter)](Store& store) -> Sums {
        if (auto taken = take_in(store); !taken) return std::unexpected(taken.error());
        return store.usage_sums(filter);
      },
      std::move(then));
}

void Ledger::rows(UsageFilter filter, std::string after, std::size_t limit, std::function<void(Page)> then) {
  limit = std::clamp<std::size_t>(limit, 1, limits::usage_page_rows_max);
  store_.ask(
      [this, filter = std::move(filter), after = std::move(after), limit](Store& store) -> Page {
        if (auto taken = take_in(store); !taken) return std::unexpected(taken.error());
        return store.usage_rows(filter, after, limit);
      },
      std::move(then));
}

}  // namespace faelled::store
