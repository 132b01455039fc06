// One step of the planner, and what a registered model costs, where many are registered and many wait.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/random.hpp"
#include "mesh/residents.hpp"
#include "residency/planner.hpp"

namespace faelled {
namespace {

using residency::ModelNumber;

constexpr ModelNumber registered = 100'000;
constexpr std::uint64_t gb = 1'000'000'000;

std::uint64_t allocated() {
  const auto now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

// So many models in a memory of 640 GB, and so many tickets that wait for a thousand absent ones. `at_start`: as many
// for the GPUs beside it, where the first of them load.
struct Full {
  explicit Full(std::uint64_t waiting, bool at_start = false) : random(1) {
    for (ModelNumber m = 0; m < registered; ++m)
      planner.step(now, residency::ModelIs{m, (1 + random.below(60)) * gb, std::chrono::seconds(20), 4});
    for (ModelNumber m = registered; at_start && m < 2 * registered; ++m)
      planner.step(
          now, residency::ModelIs{m, gb, std::chrono::seconds(20), 4, false, true, 0, 0, residency::DeviceKind::gpu});
    planner.step(now, residency::DevicesAre{{{0, 640 * gb}, {1, 80 * gb, residency::DeviceKind::gpu}}});
    for (std::uint64_t i = 0; i < waiting; ++i) ask();
  }
  void ask() {
    now += std::chrono::microseconds(random.below(2000));
    const auto begun = std::chrono::steady_clock::now();
    const auto actions =
        planner.step(now, residency::Arrived{++ticket, static_cast<ModelNumber>(random.below(1000)), 1});
    took.push_back(std::chrono::steady_clock::now() - begun);
    benchmark::DoNotOptimize(actions.data());
  }
  void leave(residency::TicketNumber gone) {
    const auto begun = std::chrono::steady_clock::now();
    planner.step(now, residency::Ended{gone});
    took.push_back(std::chrono::steady_clock::now() - begun);
  }

  SeededRandom random;
  residency::Planner planner;
  Instant now{std::chrono::hours(1)};
  residency::TicketNumber ticket = 0;
  std::vector<Duration> took;
};

void PlannerStep(benchmark::State& state) {
  Full full(static_cast<std::uint64_t>(state.range(0)), state.range(1) != 0);
  full.took.clear();
  residency::TicketNumber oldest = 0;
  for (auto _ : state) {
    full.ask();
    full.leave(++oldest);
  }
  std::ranges::sort(full.took);
  const auto at = [&](double part) {
    return static_cast<double>(
               full.took[static_cast<std::size_t>(part * static_cast<double>(full.took.size() - 1))].count()) /
           1000;
  };
  state.counters["p50_us"] = at(0.5);
  state.counters["p99_us"] = at(0.99);
  state.counters["max_us"] = at(1);
}
BENCHMARK(PlannerStep)
    ->Args({100, 0})
    ->Args({10'000, 0})
    ->Args({100, 1})
    ->Iterations(20'000)
    ->Unit(benchmark::kMicrosecond);

class Nobody final : public Clock {
 public:
  Instant now() const override { return Instant(std::chrono::hours(1)); }
  WallTime wall() const override { return {}; }
};

// The mesh's part: names, and what the planner keeps.
void RegisteredModels(benchmark::State& state) {
  const Nobody clock;
  for (auto _ : state) {
    const std::uint64_t before = allocated();
    mesh::Residents residents(clock, {}, [](const std::string&) {});
    for (ModelNumber m = 0; m < registered; ++m)
      residents.know({"models/of-everybody/number-" + std::to_string(m), gb, std::chrono::seconds(2), 4, false, false});
    state.counters["bytes_each"] = static_cast<double>(allocated() - before) / registered;
    std::vector<Duration> took;
    SeededRandom random(2);
    for (int i = 0; i < 100'000; ++i) {
      const std::string name = "models/of-everybody/number-" + std::to_string(random.below(registered));
      const auto begun = std::chrono::steady_clock::now();
      benchmark::DoNotOptimize(residents.manages(name));
      took.push_back(std::chrono::steady_clock::now() - begun);
    }
    std::ranges::sort(took);
    state.counters["lookup_p50_us"] = static_cast<double>(took[took.size() / 2].count()) / 1000;
    state.counters["lookup_p99_us"] = static_cast<double>(took[took.size() / 100 * 99].count()) / 1000;
  }
}
BENCHMARK(RegisteredModels)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace faelled
