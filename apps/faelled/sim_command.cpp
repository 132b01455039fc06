#include "sim_command.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <set>

#include "base/limits.hpp"
#include "complain.hpp"
#include "config/world.hpp"
#include "contents.hpp"
#include "option_values.hpp"
#include "sim/bound.hpp"
#include "sim/simulation.hpp"
#include "sim/workload.hpp"
#include "sim/world_policies.hpp"
#include "sim_figures.hpp"

namespace faelled::app {
namespace {

struct SimOptions {
  std::string trace, world, policy, out;  // policy: empty: as the world has it
  std::optional<std::uint64_t> seed;
  double horizon_s = 600;
  bool json = false;
};

struct WorkloadOptions {
  std::string name, out;
  std::uint64_t seed = 1;
};

struct MeasureOptions {
  std::string result, world;
  double horizon_s = 600;
  bool json = false;
};

Expected<std::string> read_file(const std::string& path) {
  auto text = contents_of(path, limits::sim_file_bytes_max);
  if (text && text->size() > limits::sim_file_bytes_max)
    return fail(Errc::too_large, path + " is larger than " + std::to_string(limits::sim_file_bytes_max) + " bytes",
                "simulate a part of it");
  return text;
}

Expected<void> write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  if (!out.write(text.data(), static_cast<std::streamsize>(text.size())) || !out.flush())
    return fail(Errc::io, path + " cannot be written: " + std::strerror(errno),
                "is there such a folder, may you write to it, and is the disk full?");
  return {};
}

int print_bound(const SimOptions& options, const sim::Trace& trace, const sim::World& world) {
  if (!options.out.empty())
    return complain({Errc::invalid, "a bound has no rows to write to " + options.out, "leave --out away"});
  const auto least_s = sim::load_seconds_least(trace, world);
  if (!least_s) return complain(least_s.error());
  const BoundFigures figures{trace.requests.size(), *least_s};
  std::cout << (options.json ? json_of(figures, options.policy) + "\n" : text_of(figures, options.policy));
  return 0;
}

int simulate(SimOptions options) {
  const auto world = config::load_world(options.world);
  if (!world) return complain(world.error());
  if (options.policy.empty()) options.policy = sim::policy_unnamed(*world);
  const auto text = read_file(options.trace);
  if (!text) return complain(text.error());
  auto trace = sim::read_trace(*text);
  if (!trace) return complain({trace.error().code, options.trace + ": " + trace.error().message, trace.error().hint});
  if (options.policy == sim::bound_name) return print_bound(options, *trace, *world);
  const auto result = sim::simulate(*trace, *world, options.policy, options.seed);
  if (!result) return complain(result.error());
  if (!options.out.empty())
    if (const auto written = write_file(options.out, sim::write_result(*result)); !written)
      return complain(written.error());
  const SimFigures figures = figures_of(*result, *world, options.horizon_s);
  std::cout << (options.json ? json_of(figures, options.policy, options.seed) + "\n"
                             : text_of(figures, options.policy, options.seed));
  return 0;
}

int make_workload(const WorkloadOptions& options) {
  const auto trace = sim::make_workload(options.name, options.seed);
  if (!trace) return complain(trace.error());
  const std::string text = sim::write_trace(*trace);
  if (options.out.empty()) {
    std::cout << text;
    return 0;
  }
  const auto written = write_file(options.out, text);
  return written ? 0 : complain(written.error());
}

int measure(const MeasureOptions& options) {
  sim::World world;
  if (!options.world.empty()) {
    auto read = config::load_world(options.world);
    if (!read) return complain(read.error());
    world = std::move(*read);
  }
  const auto text = read_file(options.result);
  if (!text) return complain(text.error());
  const auto result = sim::read_result(*text);
  if (!result)
    return complain({result.error().code, options.result + ": " + result.error().message, result.error().hint});
  const SimFigures figures = figures_of(*result, world, options.horizon_s);
  std::cout << (options.json ? json_of(figures, std::nullopt, std::nullopt) + "\n"
                             : text_of(figures, std::nullopt, std::nullopt));
  return 0;
}

std::string listed(const auto& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

void add_horizon(CLI::App& command, double& horizon_s) {
  command.add_option("--horizon", horizon_s, "Seconds over which the service difference and the backlog are measured")
      ->check(CLI::Range(60.0, limits::sim_time_s_max))
      ->capture_default_str();
}

void add_workload(CLI::App& sim_command, Invocation& invocation) {
  auto options = std::make_shared<WorkloadOptions>();
  auto* command = sim_command.add_subcommand("workload", "Make a trace by a rule, with chance drawn from a seed");
  std::string about = "One of:";
  for (const sim::Workload& workload : sim::workloads())
    about += "\n  " + std::string(workload.name) + ": " + std::string(workload.what);
  command->add_option("NAME", options->name, "Which; see below")->required();
  command->add_option("--seed", options->seed, "Draw chance from this number")
      ->transform(whole_number<std::uint64_t>())
      ->capture_default_str();
  command->add_option("--out", options->out, "Write the trace there (CSV); without it, on standard output");
  command->footer(about);
  command->callback([options, &invocation] { invocation.status = make_workload(*options); });
}

void add_measure(CLI::App& sim_command, Invocation& invocation) {
  auto options = std::make_shared<MeasureOptions>();
  auto* command =
      sim_command.add_subcommand("measure", "Say how fair and how fast a result was: a simulation's, or a real log's");
  command
      ->add_option("RESULT", options->result,
                   "CSV with time_s,member,input_tokens,output_tokens,first_token_s,finished_s")
      ->required();
  command->add_option("--world", options->world, "Shares and the price of work; without it 1, and 1 and 2");
  add_horizon(*command, options->horizon_s);
  command->add_flag("--json", options->json, "Print the summary as one line of JSON");
  command->callback([options, &invocation] { invocation.status = measure(*options); });
}

}  // namespace

void add_sim_command(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<SimOptions>();
  auto* command = app.add_subcommand(
      "sim", "Play a trace of requests in a simulated world under a policy, and say how fair and how fast it was");
  // Not required(): the commands below this one do without.
  auto* trace = command->add_option("--trace", options->trace,
                                    "The requests: CSV with time_s,member,user,model,input_tokens,output_tokens");
  auto* world = command->add_option("--world", options->world,
                                    "Engines or a memory, shares and prices: YAML, such as bench/worlds/vtc-a10g.yaml");
  command->add_option(
      "--policy", options->policy,
      "Who is next: " + listed(sim::policies_of(sim::Plays::engines)) +
          " (fcfs where none is named); with a memory, what is kept: " + listed(sim::policies_of(sim::Plays::memory)) +
          " (commons where none is named; bound is none: the load seconds below which none of them can "
          "go); where models answer too (memory.places): " +
          listed(sim::policies_of(sim::Plays::turns)) + " (commons)");
  command
      ->add_option("--seed", options->seed,
                   "Draw the world's jitter from this number; without it every step takes its exact time")
      ->transform(whole_number<std::uint64_t>());
  add_horizon(*command, options->horizon_s);
  command->add_option("--out", options->out, "Write one row per request there, in the trace's order (CSV)");
  command->add_flag("--json", options->json, "Print the summary as one line of JSON");
  command->footer(
      "With a memory the summary counts misses (requests that found their model not in memory when they came, whether "
      "its load was still to begin or under way) and loads (how often a model was loaded, also before it was asked "
      "for). docs/simulation.md describes the files, the policies and all figures.");
  command->require_subcommand(0, 1);
  add_workload(*command, invocation);
  add_measure(*command, invocation);
  command->add_subcommand("policies", "Name all that --policy takes, one a line")->callback([] {
    std::set<std::string_view> said;  // one name may be of two kinds
    const auto say = [&](std::string_view name) {
      if (said.insert(name).second) std::cout << name << "\n";
    };
    for (const auto kind : {sim::Plays::engines, sim::Plays::memory, sim::Plays::turns})
      for (const auto& name : sim::policies_of(kind)) say(name);
  });
  command->callback([=, &invocation] {
    if (!command->get_subcommands().empty()) return;
    for (const auto* needed : {trace, world})
      if (needed->empty()) throw CLI::RequiredError(needed->get_name());
    invocation.status = simulate(*options);
  });
}

}  // namespace faelled::app
