// Any bytes as what an engine says at /metrics: numbers that can be, or none. What is read comes back when it is
// written plainly, a comment says nothing, and lines of others behind it change nothing.
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engines/gauges.hpp"

namespace {

using namespace faelled::engines;

void require(bool holds) {
  if (!holds) std::abort();
}

void say(std::string& text, std::string_view name, const std::optional<double>& value) {
  if (!value) return;
  char digits[64];
  const auto written = std::to_chars(digits, digits + sizeof(digits), *value);
  text.append(name).append("{engine=\"}\\\"\"} ").append(digits, written.ptr).append(" 1700000000000\n");
}

void judge(const Gauges& gauges) {
  for (const auto& number : {gauges.running, gauges.waiting, gauges.preemptions, gauges.prefix_queries})
    require(!number || (*number >= 0 && *number <= 1ULL << 53U));
  require(!gauges.kv_used || (*gauges.kv_used >= 0 && *gauges.kv_used <= 1));
  require(!gauges.prefix_hits || (gauges.prefix_queries && *gauges.prefix_hits <= *gauges.prefix_queries));
}

std::string as_comments(std::string_view text) {
  std::string out = "# ";
  for (const char c : text) out += c == '\n' ? std::string("\n# ") : std::string(1, c);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), bytes);
  const std::string more =
      std::string(text) + "\nvllm:other{a=\"}\"} 5\nvllm:num_requests_running{a=\"\nllamacpp:x nan\n";
  for (const auto read : {vllm_gauges, llama_gauges}) {
    const Gauges gauges = read(text);
    judge(gauges);
    require(read(as_comments(text)) == Gauges());
    require(read(more) == gauges);
  }
  const Gauges gauges = vllm_gauges(text);
  std::string plain;
  say(plain, "vllm:num_requests_running", gauges.running);
  say(plain, "vllm:num_requests_waiting", gauges.waiting);
  say(plain, "vllm:kv_cache_usage_perc", gauges.kv_used);
  say(plain, "vllm:num_preemptions_total", gauges.preemptions);
  say(plain, "vllm:prefix_cache_queries_total", gauges.prefix_queries);
  say(plain, "vllm:prefix_cache_hits_total", gauges.prefix_hits);
  require(vllm_gauges(plain) == gauges);
  return 0;
}
