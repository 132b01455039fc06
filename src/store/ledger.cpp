#include "store/ledger.hpp"

#include <algorithm>

namespace faelled::store {

Ledger::Ledger(ledger::Journal& journal, StoreThread& store)
    : journal_(journal), store_(store), intake_(std::shared_ptr<Intake>(new Intake{journal})) {
  // On the journal's own thread, which calls nobody any more once notify({}) has returned.
  journal_.notify([this] {
    if (intake_->job_waits.exchange(true)) return;
    const auto posted = store_.post([intake = intake_](Store& rows) {
      intake->job_waits = false;
      // A store that does not answer now is asked again: the journal keeps the rows and calls until they are read.
      // After an outage there may be a great many: others have their turn in between.
      (void)intake->run(rows, limits::ledger_intake_batches_max);
    });
    if (!posted) intake_->job_waits = false;
  });
}

Ledger::~Ledger() { journal_.notify({}); }

Expected<std::size_t> Ledger::take_in(Store& store) { return intake_->run(store); }

Expected<std::size_t> Ledger::Intake::run(Store& store, std::size_t batches_max) {
  std::size_t rows = 0;
  const auto from = store.journal_position();
  if (!from) return std::unexpected(from.error());
  ledger::Position position = *from;
  for (; batches_max > 0; --batches_max) {
    auto batch = journal.read(position, limits::ledger_intake_rows_max);
    if (!batch) return std::unexpected(batch.error());
    if (batch->next == position) return rows;
    if (auto added = store.add_usage(batch->closed, batch->next); !added) return std::unexpected(added.error());
    position = batch->next;
    journal.consumed(position);
    rows += batch->closed.size();
    // A batch that is not full reached the end; to go on until nothing comes could last as long as the load does.
    if (batch->closed.size() < limits::ledger_intake_rows_max) return rows;
  }
  return rows;
}

template <class Answer>
void Ledger::ask_behind(StoreThread& store, std::shared_ptr<Intake> intake, std::function<Answer(Store&)> query,
                        std::function<void(Answer)> then) {
  using Some = std::optional<typename Answer::value_type>;  // nothing: there is more to take in
  store.ask(
      [intake, query](Store& rows) -> Expected<Some> {
        const auto taken = intake->run(rows, limits::ledger_intake_batches_max);
        if (!taken) return std::unexpected(taken.error());
        if (*taken >= limits::ledger_intake_batches_max * limits::ledger_intake_rows_max) return Some();
        auto answer = query(rows);
        if (!answer) return std::unexpected(answer.error());
        return Some(std::move(*answer));
      },
      std::function<void(Expected<Some>)>([&store, intake, query, then = std::move(then)](Expected<Some> given) {
        if (!given) return then(std::unexpected(given.error()));
        if (!*given) return ask_behind<Answer>(store, intake, query, then);
        then(std::move(**given));
      }));
}

void Ledger::sums(UsageFilter filter, std::optional<UsageKey> after, std::size_t limit,
                  std::function<void(Sums)> then) {
  limit = std::clamp<std::size_t>(limit, 1, limits::usage_page_rows_max);
  ask_behind<Sums>(
      store_, intake_, [filter, after, limit](Store& store) { return store.usage_sums(filter, after, limit); },
      std::move(then));
}

void Ledger::hours(UsageFilter filter, std::function<void(Hours)> then) {
  ask_behind<Hours>(store_, intake_, [filter](Store& store) { return store.usage_hours(filter); }, std::move(then));
}

void Ledger::rows(UsageFilter filter, std::string after, std::size_t limit, std::function<void(Page)> then) {
  limit = std::clamp<std::size_t>(limit, 1, limits::usage_page_rows_max);
  ask_behind<Page>(
      store_, intake_, [filter, after, limit](Store& store) { return store.usage_rows(filter, after, limit); },
      std::move(then));
}

}  // namespace faelled::store
