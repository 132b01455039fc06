// What a registered model costs the gateway, and how long it takes to find one.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/random.hpp"
#include "gateway/catalogue.hpp"

namespace faelled {
namespace {

constexpr std::uint64_t registered = 100'000;

std::uint64_t allocated() {
  const auto now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

std::string name_of(std::uint64_t number) { return "models/of-everybody/number-" + std::to_string(number); }

gateway::CatalogueModel model_of(std::uint64_t number) {
  gateway::CatalogueModel model;
  model.settings.id = name_of(number);
  model.settings.file = "/srv/models/of-everybody/number-" + std::to_string(number) + ".gguf";
  model.settings.llama_server = "/usr/lib/faelled/llama-server";
  model.version = 1;
  return model;
}

double at(const std::vector<Duration>& sorted, double part) {
  return static_cast<double>(sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))].count()) /
         1000;
}

// `used`: so many of them are asked for again and again; the others are packed.
void CatalogueLookup(benchmark::State& state) {
  const auto used = static_cast<std::uint64_t>(state.range(0));
  const std::uint64_t before = allocated();
  gateway::Catalogue catalogue({}, {});
  for (std::uint64_t m = 0; m < registered; ++m) (void)catalogue.put(model_of(m));
  state.counters["bytes_each"] = static_cast<double>(allocated() - before) / registered;
  SeededRandom random(2);
  std::vector<std::string> names;
  for (int i = 0; i < 100'000; ++i) names.push_back(name_of(random.below(used)));
  for (const std::string& name : names)
    if (used < registered) benchmark::DoNotOptimize(catalogue.asked(name));
  const auto each_timed = [&](const char* what, const auto& look) {
    std::vector<Duration> took;
    took.reserve(names.size());
    for (const std::string& name : names) {
      const auto begun = std::chrono::steady_clock::now();
      look(name);
      took.push_back(std::chrono::steady_clock::now() - begun);
    }
    std::ranges::sort(took);
    state.counters[std::string(what) + "p50_us"] = at(took, 0.5);
    state.counters[std::string(what) + "p99_us"] = at(took, 0.99);
  };
  for (auto _ : state) {
    each_timed("found_", [&](const std::string& name) { benchmark::DoNotOptimize(catalogue.version(name)); });
    each_timed("", [&](const std::string& name) { benchmark::DoNotOptimize(catalogue.asked(name)); });
  }
}
BENCHMARK(CatalogueLookup)->Arg(1000)->Arg(registered)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace faelled
