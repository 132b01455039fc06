// Gauges: what an engine measures of itself, read from its /metrics (Prometheus' text format 0.0.4). Pure. The bytes
// come from an engine and are not trusted: a line that is no sample, and a number that cannot be, are as if they were
// not there.
#pragma once

#include <optional>
#include <string_view>

namespace faelled::engines {

// Nothing: the engine has not said. vLLM has a set of labels for each of its own engines, of which ours have one: of
// several sets the sum stands, and of shares the largest.
struct Gauges {
  std::optional<double> running;  // requests that it works on
  std::optional<double> waiting;  // requests that it has taken and not begun, or put back
  std::optional<double> kv_used;  // share of the memory for keys and values, 0 … 1; what its cache alone keeps is free
  // From 0 with each process:
  std::optional<double> preemptions;     // requests that it put back for want of that memory
  std::optional<double> prefix_queries;  // tokens of prompts that it looked for in its cache
  std::optional<double> prefix_hits;     // of these found
  bool operator==(const Gauges&) const = default;
};

Gauges vllm_gauges(std::string_view metrics);
Gauges llama_gauges(std::string_view metrics);

}  // namespace faelled::engines
