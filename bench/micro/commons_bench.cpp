// What one decision of the scheduler costs with 10,000 members, 100,000 users and 100,000 waiting tickets, and how much
// memory all of that takes.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "commons/scheduler.hpp"

namespace faelled::commons {
namespace {

constexpr std::uint64_t members = 10'000;
constexpr std::uint64_t users = 100'000;
constexpr std::size_t waiting = 100'000;
constexpr int models = 4;
constexpr int engines_of_a_model = 8;
constexpr std::uint32_t places = 32;

// The process's own memory: whatever allocator the program has.
std::size_t resident() {
  std::ifstream in("/proc/self/statm");
  std::size_t size = 0;
  std::size_t pages = 0;
  in >> size >> pages;
  return pages * 4096;
}

// A commons at work: all places in use, 100,000 in line, and for each that ends one comes.
class Busy {
 public:
  explicit Busy(bool all_borrow) : before_(resident()) {
    for (std::uint64_t i = 0; i < members; ++i)
      scheduler_.step(now_, Agree{"kommune-" + std::to_string(i), 1 + i % 100, 0});
    // With a tiny capacity everybody is above its entitlement, with a huge one nobody is.
    scheduler_.step(now_, Capacity{all_borrow ? 1 : 1'000'000});
    for (int i = 0; i < models * engines_of_a_model; ++i)
      scheduler_.step(now_, EngineIs{"engine-" + std::to_string(i), model(i % models), places, 1, false, Price{1, 2}});
    for (std::uint64_t user = 0; user < users; ++user) {
      arrive(user);
      now_ += std::chrono::microseconds(100);
    }
    while (scheduler_.waiting() < waiting) arrive(random_.below(users));
    bytes_ = resident() - before_;
  }

  void arrive(std::uint64_t user) {
    Arrive arrive;
    arrive.ticket = ++tickets_;
    arrive.member = "kommune-" + std::to_string(user % members);
    arrive.caller = "usr_" + std::to_string(user);
    arrive.model = model(static_cast<int>(user / members) % models);
    arrive.lane = user % 7 == 0 ? Lane::batch : Lane::interactive;
    arrive.prompt_tokens = static_cast<std::uint32_t>(10 + random_.below(4000));
    arrive.deadline = now_ + std::chrono::hours(24);
    take(arrive, arrivals_);
  }

  void progress() {
    Running& some = running_[random_.below(running_.size())];
    some.output += static_cast<std::uint32_t>(1 + random_.below(32));
    take(Progress{some.ticket, some.prompt, some.output}, progresses_);
  }

  void end() {
    const std::size_t which = random_.below(running_.size());
    const Running some = running_[which];
    running_[which] = running_.back();
    running_.pop_back();
    take(End{some.ticket, Ending::done, some.prompt, some.output}, ends_);
  }

  void turn() {
    now_ += std::chrono::milliseconds(2);
    arrive(random_.below(users));
    for (int i = 0; i < 4; ++i) progress();
    end();
  }

  void forget_times() {
    for (auto* times : {&arrivals_, &progresses_, &ends_}) times->clear();
  }

  void report(benchmark::State& state) {
    const auto say = [&](const std::string& name, std::vector<std::uint32_t>& times) {
      if (times.empty()) return;
      std::ranges::sort(times);
      const auto at = [&](double part) {
        return static_cast<double>(times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))]) /
               1000;
      };
      state.counters[name + "_p50_us"] = at(0.5);
      state.counters[name + "_p99_us"] = at(0.99);
      state.counters[name + "_max_us"] = at(1);
    };
    say("arrive", arrivals_);
    say("progress", progresses_);
    say("end", ends_);
    std::vector<std::uint32_t> all = arrivals_;
    for (const auto* more : {&progresses_, &ends_}) all.insert(all.end(), more->begin(), more->end());
    say("all", all);
    state.counters["MiB"] = static_cast<double>(bytes_) / (1 << 20);
    state.counters["waiting"] = static_cast<double>(scheduler_.waiting());
  }

  const Scheduler& scheduler() const { return scheduler_; }
  TicketNumber last() const { return tickets_; }

 private:
  struct Running {
    TicketNumber ticket = 0;
    std::uint32_t prompt = 1000;
    std::uint32_t output = 0;
  };

  static std::string model(int i) { return "model-" + std::to_string(i); }

  void take(const Event& event, std::vector<std::uint32_t>& times) {
    const auto began = std::chrono::steady_clock::now();
    const auto actions = scheduler_.step(now_, event);
    const auto ended = std::chrono::steady_clock::now();
    times.push_back(
        static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(ended - began).count()));
    for (const Action& action : actions)
      if (const auto* grant = std::get_if<Grant>(&action)) running_.push_back({grant->ticket});
  }

  std::size_t before_;
  std::size_t bytes_ = 0;
  SeededRandom random_{1};
  Instant now_{std::chrono::hours(1)};
  Scheduler scheduler_;
  TicketNumber tickets_ = 0;
  std::vector<Running> running_;
  std::vector<std::uint32_t> arrivals_, progresses_, ends_;
};

// One arrival, four reports of progress, one end with the grant that it causes.
void CommonsTurn(benchmark::State& state) {
  malloc_trim(0);
  Busy busy(state.range(0) == 1);
  busy.forget_times();
  for (auto _ : state) busy.turn();
  busy.report(state);
}
BENCHMARK(CommonsTurn)->Arg(0)->Arg(1)->ArgName("all_borrow")->Iterations(100'000)->Unit(benchmark::kMicrosecond);

void CommonsExplain(benchmark::State& state) {
  Busy busy(true);
  for (auto _ : state) benchmark::DoNotOptimize(busy.scheduler().explain(busy.last()));
}
BENCHMARK(CommonsExplain)->Iterations(20)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace faelled::commons
