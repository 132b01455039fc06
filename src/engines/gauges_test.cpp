#include "engines/gauges.hpp"

#include <gtest/gtest.h>

#include <string>

namespace faelled::engines {
namespace {

TEST(Gauges, OfVllmAreThoseThatItPrints) {
  // 0.32.0, of 49 kB.
  constexpr auto text = R"(# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 42.69
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 2.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="tiny"} 1.0
# HELP vllm:num_requests_waiting_by_reason Number of waiting requests by reason. Reason labels: 'capacity' = waiting for
# TYPE vllm:num_requests_waiting_by_reason gauge
vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="capacity"} 1.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="deferred"} 0.0
# HELP vllm:engine_sleep_state Engine sleep state; awake = 0 means engine is sleeping; awake = 1 means engine is awake.
# TYPE vllm:engine_sleep_state gauge
vllm:engine_sleep_state{engine="0",model_name="tiny",sleep_state="awake"} 1.0
# HELP vllm:kv_cache_usage_perc KV-cache usage. 1 means 100 percent usage.
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 6.103515625e-05
# HELP vllm:prefix_cache_queries_total Prefix cache queries, in terms of number of queried tokens.
# TYPE vllm:prefix_cache_queries_total counter
vllm:prefix_cache_queries_total{engine="0",model_name="tiny"} 152.0
# HELP vllm:prefix_cache_queries_created Prefix cache queries, in terms of number of queried tokens.
# TYPE vllm:prefix_cache_queries_created gauge
vllm:prefix_cache_queries_created{engine="0",model_name="tiny"} 1.7957503561423287e+09
# HELP vllm:prefix_cache_hits_total Prefix cache hits, in terms of number of cached tokens.
# TYPE vllm:prefix_cache_hits_total counter
vllm:prefix_cache_hits_total{engine="0",model_name="tiny"} 128.0
# HELP vllm:external_prefix_cache_queries_total External prefix cache queries from KV connector cross-instance cache
# TYPE vllm:external_prefix_cache_queries_total counter
vllm:external_prefix_cache_queries_total{engine="0",model_name="tiny"} 7.0
# HELP vllm:num_preemptions_total Cumulative number of preemption from the engine.
# TYPE vllm:num_preemptions_total counter
vllm:num_preemptions_total{engine="0",model_name="tiny"} 3.0
vllm:request_num_preemptions_bucket{engine="0",le="+Inf",model_name="tiny"} 2.0
)";
  EXPECT_EQ(vllm_gauges(text), (Gauges{.running = 2,
                                       .waiting = 1,
                                       .kv_used = 6.103515625e-05,
                                       .preemptions = 3,
                                       .prefix_queries = 152,
                                       .prefix_hits = 128}));
  EXPECT_EQ(llama_gauges(text), Gauges());
}

TEST(Gauges, OfLlamaServerAreThoseThatItPrints) {
  // 0.5.0. What was found in its cache it counts beside what it processed.
  std::string text = R"(# HELP llamacpp:prompt_tokens_total Number of prompt tokens processed, excluding cached tokens
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 24
# HELP llamacpp:prompt_tokens_cached_total Number of prompt tokens reused from the cache
# TYPE llamacpp:prompt_tokens_cached_total counter
llamacpp:prompt_tokens_cached_total 40
# HELP llamacpp:prompt_tokens_seconds Average prompt throughput in tokens/s
# TYPE llamacpp:prompt_tokens_seconds gauge
llamacpp:prompt_tokens_seconds 18.2407
# HELP llamacpp:requests_processing Number of requests processing
# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing 1
# HELP llamacpp:requests_deferred Number of requests deferred
# TYPE llamacpp:requests_deferred gauge
llamacpp:requests_deferred 2
# HELP llamacpp:n_busy_slots_per_decode Average number of busy slots per llama_decode() call
# TYPE llamacpp:n_busy_slots_per_decode gauge
llamacpp:n_busy_slots_per_decode 1
)";
  const Gauges said{.running = 1, .waiting = 2, .prefix_queries = 64, .prefix_hits = 40};
  EXPECT_EQ(llama_gauges(text), said);
  EXPECT_EQ(vllm_gauges(text), Gauges());
  text += "llamacpp:kv_cache_usage_ratio 0.5\n";
  EXPECT_EQ(llama_gauges(text).kv_used, 0.5);
}

TEST(Gauges, OfAnOlderLlamaServerDoNotTellWhatItLookedFor) {
  EXPECT_EQ(llama_gauges("llamacpp:prompt_tokens_total 24\nllamacpp:requests_processing 0\n"), Gauges{.running = 0});
}

TEST(Gauges, OfSeveralLabelSetsTheSumStandsAndOfSharesTheLargest) {
  const Gauges gauges = vllm_gauges(
      "vllm:num_requests_running{engine=\"0\"} 2\nvllm:num_requests_running{engine=\"1\"} 3\n"
      "vllm:kv_cache_usage_perc{engine=\"0\"} 0.9\nvllm:kv_cache_usage_perc{engine=\"1\"} 0.1\n");
  EXPECT_EQ(gauges, (Gauges{.running = 5, .kv_used = 0.9}));
}

TEST(Gauges, ALabelMayHoldAnythingAndATimeMayFollow) {
  const auto running = [](const char* line) { return vllm_gauges(line).running; };
  EXPECT_EQ(running(R"(vllm:num_requests_running{model_name="a } \" 7 { b"} 1)"), 1);
  EXPECT_EQ(running("vllm:num_requests_running {a=\"\\\\\"} \t 1.5e1 1795750356000\r\n"), 15);
  EXPECT_EQ(running("vllm:num_requests_running 4"), 4);
  EXPECT_EQ(running("vllm:num_requests_running{} 0\n"), 0);
}

TEST(Gauges, WhatIsNoSampleOrNoNumberThatCanBeIsNotThere) {
  for (const char* rest : {"",       " ",        " NaN",   " +Inf",        " -Inf",  " inf",
                           " -1",    " 1x",      " x",     " 0x10",        " 1e300", " 9007199254740994",
                           "{a=\"1", "{a=\"} 1", "{a=1 1", "{a=\"\\\"} 1", "s 1",    "_total 1",
                           "{} ",    "{}",       "\n1"})
    EXPECT_EQ(vllm_gauges("vllm:num_requests_running" + std::string(rest) + "\n"), Gauges()) << rest;
  for (const char* text : {"", "\n\n", "#vllm:num_requests_running 1", "# vllm:num_requests_running 1\n",
                           "{\"running\": 1}", "<html>vllm:num_requests_running 1</html>", "NUM_REQUESTS_RUNNING 1"})
    EXPECT_EQ(vllm_gauges(text), Gauges()) << text;
  EXPECT_EQ(vllm_gauges("vllm:kv_cache_usage_perc 0.2\nvllm:kv_cache_usage_perc 42\n"), Gauges());
  EXPECT_EQ(vllm_gauges("vllm:prefix_cache_hits_total 5\n"), Gauges());
  EXPECT_EQ(vllm_gauges("vllm:prefix_cache_hits_total 5\nvllm:prefix_cache_queries_total 4\n"),
            Gauges{.prefix_queries = 4});
  EXPECT_EQ(vllm_gauges("vllm:num_requests_waiting 9007199254740992\nvllm:num_requests_waiting 2\n"), Gauges());
}

TEST(Gauges, NonsenseAroundThemDoesNotHideThem) {
  std::string text(100'000, '{');
  text += std::string("\n\0\xff\n", 4) + "vllm:num_requests_waiting{a=\"" + std::string(100'000, '\\') + "\"} 1\n";
  text += "vllm:num_requests_waiting{engine=\"0\"} 6\n";
  EXPECT_EQ(vllm_gauges(text), Gauges{.waiting = 7});
}

}  // namespace
}  // namespace faelled::engines
