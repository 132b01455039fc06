// What it costs to know the person behind a shared front end's request.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "front_ends/member_map.hpp"
#include "front_ends/signed_token.hpp"
#include "front_ends/token_testing.hpp"

namespace {

using namespace faelled;
using namespace faelled::front_ends;

void token_read(benchmark::State& state) {
  const ManualClock clock;
  json::Document document;
  const TokenRules rules{{test_secret}};
  const std::string token = token_at(clock.wall()).text();
  for (auto _ : state) {
    const ReadToken read = read_token(token, rules, clock.wall(), document);
    if (!read.believed()) std::abort();
    benchmark::DoNotOptimize(read);
  }
}
BENCHMARK(token_read);

// The last of as many rules as Denmark has municipalities.
void member_found(benchmark::State& state) {
  std::vector<MemberRule> rules;
  for (int i = 0; i < 98; ++i)
    rules.push_back({MemberRule::By::email_domain, {}, "kommune" + std::to_string(i) + ".example", "member"});
  const MemberMap map(rules, {});
  Person person;
  person.email = "ida@kommune97.example";
  for (auto _ : state) benchmark::DoNotOptimize(map.find(person));
}
BENCHMARK(member_found);

}  // namespace
