// A search over one person's sealed conversations, as the page asks it, without a hit until the end: the promise is an
// answer within 200 ms for 1,000 conversations.
#include <benchmark/benchmark.h>

#include "base/limits.hpp"
#include "store/conversations.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace faelled {
namespace {

constexpr int messages_each = 6;
constexpr std::size_t message_bytes = 800;

void ConversationSearch(benchmark::State& state) {
  auto store = std::move(store::open_sqlite_store(":memory:").value());
  const WallTime now = from_unix_micros(1'780'000'000'000'000LL);
  SystemRandom random;
  (void)store->add_member({"aarhus", "Aarhus", now});
  (void)store->add_user({"usr_a", "aarhus", "Anne", now});
  store::Conversations conversations(crypto::make_seal_key(random));
  std::string words;
  while (words.size() < message_bytes) words += "Høringssvaret om cykelstien langs åen skal skrives klart og venligt. ";
  (void)store->together([&]() -> Expected<void> {
    for (int i = 0; i < state.range(0); ++i) {
      const store::Conversation of{"con_" + std::to_string(i),   "usr_a", "aarhus", "m", "Om cykelstier", now,
                                   now + std::chrono::seconds(i)};
      if (auto added = conversations.add(*store, of); !added) return added;
      for (int j = 0; j < messages_each; ++j) {
        store::Message message;
        message.id = of.id + "_" + std::to_string(j);
        message.conversation = of.id;
        message.content = words;
        if (auto added = conversations.add_message(*store, of, message); !added) return added;
      }
    }
    return {};
  });
  for (auto _ : state) {
    std::string before;
    std::size_t found = 0;
    do {
      const auto slice =
          conversations.search(*store, "usr_a", {"findes", "ikke"}, before, limits::search_slice_conversations);
      if (!slice) return state.SkipWithError("the search failed");
      found += slice->found.size();
      before = slice->next;
    } while (!before.empty());
    if (found != 0) return state.SkipWithError("nothing should be found");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(ConversationSearch)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace faelled
