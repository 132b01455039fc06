#include "sim_command.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>

#include "base/limits.hpp"
#include "complain.hpp"
#include "config/world.hpp"
#include "json/writer.hpp"
#include "sim/measures.hpp"
#include "sim/simulation.hpp"

namespace faelled::app {
namespace {

struct SimOptions {
  std::string trace, world, policy = "fcfs", out;
  std::optional<std::uint64_t> seed;
  double horizon_s = 600;
  bool json = false;
};

Expected<std::string> read_file(const std::string& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) return fail(Errc::invalid, path + " is a folder", "name a file in it");
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return fail(Errc::io, path + " cannot be read: " + std::strerror(errno), "check the name and who may read it");
  const auto bytes = std::filesystem::file_size(path, code);
  if (!code && bytes > limits::sim_file_bytes_max)
    return fail(Errc::too_large, path + " is larger than " + std::to_string(limits::sim_file_bytes_max) + " bytes",
                "simulate a part of it");
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Expected<void> write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  if (!out.write(text.data(), static_cast<std::streamsize>(text.size())) || !out.flush())
    return fail(Errc::io, path + " cannot be written: " + std::strerror(errno),
                "is there such a folder, may you write to it, and is the disk full?");
  return {};
}

struct Figures {
  std::size_t requests = 0, served = 0;
  sim::ServiceDifference difference;
  double tokens_per_s = 0;
  std::optional<double> light_first_token_s;
  sim::Waits waits;
};

Figures figures_of(const sim::Result& result, const sim::World& world, double horizon_s) {
  Figures figures;
  figures.requests = result.outcomes.size();
  for (const sim::Outcome& outcome : result.outcomes) figures.served += outcome.served ? 1 : 0;
  figures.difference = sim::service_difference(
      result, world.work, std::chrono::duration_cast<Duration>(std::chrono::duration<double>(horizon_s)));
  figures.tokens_per_s = sim::tokens_per_s(result);
  figures.light_first_token_s = sim::light_first_token_s(result);
  figures.waits = sim::waits(result);
  return figures;
}

std::string json_of(const SimOptions& options, const Figures& figures) {
  std::string text;
  json::Writer out(text);
  out.object().member("policy", options.policy).key("seed");
  if (options.seed)
    out.unsigned_integer(*options.seed);
  else
    out.null();
  out.member("requests", figures.requests)
      .member("served", figures.served)
      .member("tokens_per_s", figures.tokens_per_s)
      .member("max_difference", figures.difference.max)
      .member("mean_difference", figures.difference.mean)
      .member("mean_difference_of_service", figures.difference.mean_of_service)
      .member("jain_mean", figures.difference.jain_mean)
      .key("light_first_token_s");
  if (figures.light_first_token_s)
    out.number(*figures.light_first_token_s);
  else
    out.null();
  out.key("wait_s")
      .object()
      .member("p50", figures.waits.p50_s)
      .member("p95", figures.waits.p95_s)
      .member("p99", figures.waits.p99_s)
      .member("max", figures.waits.max_s)
      .close_object()
      .member("loads", 0)
      .member("load_seconds", 0.0)
      .member("misses", 0)
      .member("floor_violations", nullptr)
      .close_object();
  return text;
}

void print(const Figures& figures) {
  std::cout << fmt::format(
      "requests                     {}\nserved                       {}\ntokens per second            {:.1f}\n"
      "service difference, max      {:.1f}\nservice difference, mean     {:.1f} ({:.2f} % of service)\n"
      "Jain index, mean             {:.4f}\n",
      figures.requests, figures.served, figures.tokens_per_s, figures.difference.max, figures.difference.mean,
      100 * figures.difference.mean_of_service, figures.difference.jain_mean);
  if (figures.light_first_token_s)
    std::cout << fmt::format("light members' first token   {:.2f} s\n", *figures.light_first_token_s);
  std::cout << fmt::format("wait P50, P95, P99, max      {:.2f}, {:.2f}, {:.2f}, {:.2f} s\n", figures.waits.p50_s,
                           figures.waits.p95_s, figures.waits.p99_s, figures.waits.max_s);
}

int simulate(const SimOptions& options) {
  const auto world = config::load_world(options.world);
  if (!world) return complain(world.error());
  const auto text = read_file(options.trace);
  if (!text) return complain(text.error());
  auto trace = sim::read_trace(*text);
  if (!trace) return complain({trace.error().code, options.trace + ": " + trace.error().message, trace.error().hint});
  const auto result = sim::simulate(*trace, *world, options.policy, options.seed);
  if (!result) return complain(result.error());
  if (!options.out.empty())
    if (const auto written = write_file(options.out, sim::write_result(*result)); !written)
      return complain(written.error());
  const Figures figures = figures_of(*result, *world, options.horizon_s);
  if (options.json)
    std::cout << json_of(options, figures) << "\n";
  else
    print(figures);
  return 0;
}

}  // namespace

void add_sim_command(CLI::App& app, int& status) {
  auto options = std::make_shared<SimOptions>();
  auto* command = app.add_subcommand(
      "sim", "Play a trace of requests in a simulated world under a policy, and say how fair and how fast it was");
  std::string names;
  for (const auto name : sim::policy_names()) names += (names.empty() ? "" : ", ") + std::string(name);
  command
      ->add_option("--trace", options->trace,
                   "The requests: CSV with time_s,member,user,model,input_tokens,output_tokens")
      ->required();
  command->add_option("--world", options->world, "Engines, shares and prices: YAML, such as bench/worlds/vtc-a10g.yaml")
      ->required();
  command->add_option("--policy", options->policy, "Who is next: " + names)->capture_default_str();
  command->add_option("--seed", options->seed,
                      "Draw the world's jitter from this number; without it every step takes its exact time");
  command->add_option("--horizon", options->horizon_s, "Seconds over which the service difference is measured")
      ->check(CLI::Range(60.0, limits::sim_time_s_max))
      ->capture_default_str();
  command->add_option("--out", options->out, "Write one row per request there, in the trace's order (CSV)");
  command->add_flag("--json", options->json, "Print the summary as one line of JSON");
  command->footer("docs/simulation.md describes the files, the policies and the figures.");
  command->callback([options, &status] { status = simulate(*options); });
}

}  // namespace faelled::app
