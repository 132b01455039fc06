#include "engines/gauges.hpp"

#include <algorithm>
#include <charconv>
#include <span>

namespace faelled::engines {
namespace {

struct Known {
  std::string_view name;
  std::optional<double> Gauges::* gauge;
};

constexpr Known of_vllm[] = {
    {"vllm:num_requests_running", &Gauges::running},       {"vllm:num_requests_waiting", &Gauges::waiting},
    {"vllm:kv_cache_usage_perc", &Gauges::kv_used},  // "perc", and a share
    {"vllm:num_preemptions_total", &Gauges::preemptions},  {"vllm:prefix_cache_queries_total", &Gauges::prefix_queries},
    {"vllm:prefix_cache_hits_total", &Gauges::prefix_hits}};

constexpr Known of_llama[] = {{"llamacpp:requests_processing", &Gauges::running},
                              {"llamacpp:requests_deferred", &Gauges::waiting},
                              {"llamacpp:kv_cache_usage_ratio", &Gauges::kv_used},        // older ones say it
                              {"llamacpp:prompt_tokens_total", &Gauges::prefix_queries},  // without the found ones
                              {"llamacpp:prompt_tokens_cached_total", &Gauges::prefix_hits}};

constexpr double number_max = 1ULL << 53U;  // beyond it a double no longer counts
constexpr std::string_view blanks = " \t\r";

std::string_view without_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text;
}

// What follows the labels, of which there may be none; nothing: they have no end. A value in quotes may hold anything.
std::optional<std::string_view> behind_labels(std::string_view text) {
  if (!text.starts_with('{')) return text;
  bool quoted = false;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (quoted && text[at] == '\\') ++at;
    if (!quoted && text[at] == '}') return text.substr(at + 1);
  }
  return std::nullopt;
}

// A time may follow it.
std::optional<double> number_in(std::string_view text) {
  text = without_blanks(text);
  text = text.substr(0, text.find_first_of(blanks));
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(number >= 0 && number <= number_max)) return std::nullopt;  // nor NaN
  return number;
}

void take(std::string_view line, std::span<const Known> all, Gauges& gauges) {
  const std::size_t name_end = std::min(line.find_first_of("{ \t"), line.size());
  const auto known = std::ranges::find(all, line.substr(0, name_end), &Known::name);
  if (known == all.end()) return;
  const auto rest = behind_labels(without_blanks(line.substr(name_end)));
  const auto number = rest ? number_in(*rest) : std::nullopt;
  if (!number) return;
  auto& gauge = gauges.*known->gauge;
  gauge = known->gauge == &Gauges::kv_used ? std::max(gauge.value_or(0), *number) : gauge.value_or(0) + *number;
}

Gauges read(std::string_view text, std::span<const Known> all) {
  Gauges gauges;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end), all, gauges);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return gauges;
}

Gauges as_can_be(Gauges gauges) {
  for (const auto gauge :
       {&Gauges::running, &Gauges::waiting, &Gauges::preemptions, &Gauges::prefix_queries, &Gauges::prefix_hits})
    if (gauges.*gauge > number_max) (gauges.*gauge).reset();
  if (gauges.kv_used > 1.0) gauges.kv_used.reset();
  if (!gauges.prefix_queries || gauges.prefix_hits > gauges.prefix_queries) gauges.prefix_hits.reset();
  return gauges;
}

}  // namespace

Gauges vllm_gauges(std::string_view metrics) { return as_can_be(read(metrics, of_vllm)); }

Gauges llama_gauges(std::string_view metrics) {
  Gauges gauges = read(metrics, of_llama);
  // Without the found ones, as an older one leaves them out, it is not known what was looked for.
  if (gauges.prefix_queries && gauges.prefix_hits) {
    *gauges.prefix_queries += *gauges.prefix_hits;
  } else {
    gauges.prefix_queries.reset();
  }
  return as_can_be(gauges);
}

}  // namespace faelled::engines
