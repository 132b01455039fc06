// What one request costs in journal, directory and store.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>

#include "base/ids.hpp"
#include "crypto/digest.hpp"
#include "ledger/journal.hpp"
#include "members/directory.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace faelled {
namespace {

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "faelled-bench-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

ledger::UsageRow typical_row() {
  SeededRandom random(1);
  ledger::UsageRow row;
  row.request_id = make_id("req_", WallTime{}, random);
  row.member = "aarhus";
  row.key = make_id("key_", WallTime{}, random);
  row.user = make_id("usr_", WallTime{}, random);
  row.caller = row.user;
  row.model = "gemma-3-270m";
  return row;
}

void JournalOpenedAndClosed(benchmark::State& state) {
  const Folder folder;
  auto journal = std::move(ledger::Journal::open({.folder = folder.path / "journal"}).value());
  const ledger::UsageRow row = typical_row();
  ledger::Position position;
  std::int64_t refused = 0;
  std::int64_t pairs = 0;
  for (auto _ : state) {
    auto opening = journal->opened(row);
    if (opening) {
      journal->closed(std::move(*opening), row);
    } else {
      ++refused;  // faster than the disk lays segments out
    }
    if (++pairs % 4096 != 0) continue;
    state.PauseTiming();
    // What the store would do, and a pause as between requests, so that the disk keeps up.
    while (true) {
      auto batch = journal->read(position, 10'000);
      const bool more = batch->next != position;
      journal->consumed(position = batch->next);
      if (!more) break;
    }
    while (journal->stats().segments > 6) {
    }
    state.ResumeTiming();
  }
  state.counters["refused"] = static_cast<double>(refused);
}
BENCHMARK(JournalOpenedAndClosed);

void Sha256OfAKey(benchmark::State& state) {
  const std::string secret(42, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(crypto::sha256(secret));
}
BENCHMARK(Sha256OfAKey);

void DirectoryAuthenticate(benchmark::State& state) {
  store::StoreThread thread(std::move(store::open_sqlite_store(":memory:").value()), [](std::function<void()>) {});
  SystemRandom random;
  members::Directory directory(thread, random);
  std::vector<members::ConfiguredKey> keys;
  for (int i = 0; i < 2000; ++i)
    keys.push_back({"demo", "k", "sk-test0000000000000000000000000" + std::to_string(1000 + i)});
  if (!directory.load(keys, WallTime{})) std::abort();
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(directory.authenticate(keys[++i % keys.size()].secret, WallTime{}));
}
BENCHMARK(DirectoryAuthenticate);

void StoreAddUsageRow(benchmark::State& state) {
  const Folder folder;
  auto store = std::move(store::open_sqlite_store(folder.path / "faelled.db").value());
  SystemRandom random;
  std::vector<ledger::UsageRow> rows(500, typical_row());
  std::int64_t us = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (ledger::UsageRow& row : rows) {
      row.started_at = from_unix_micros(us += 1000);
      row.request_id = make_id("req_", row.started_at, random);
    }
    state.ResumeTiming();
    if (!store->add_usage(rows, {1, 64})) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(rows.size()));
}
BENCHMARK(StoreAddUsageRow);

}  // namespace
}  // namespace faelled
