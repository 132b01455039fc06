#include "doctor_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <memory>

#include "base/limits.hpp"
#include "complain.hpp"
#include "devices.hpp"
#include "doctor/files.hpp"
#include "doctor/gpu.hpp"
#include "doctor/machine.hpp"
#include "json/writer.hpp"
#include "keeping/configured_models.hpp"
#include "keeping/model_look.hpp"
#include "keeping/model_need.hpp"
#include "node/sandbox.hpp"
#include "settings.hpp"
#include "support_bundle.hpp"
#include "tls.hpp"

namespace faelled::app {
namespace {

using doctor::Finding;
using doctor::Verdict;

// What a program printed, and whether it ended well. `command` is ours, never a user's.
struct Said {
  std::string text;
  bool well = false;
};
Said said(const std::string& command) {
  Said out;
  FILE* pipe = ::popen((command + " 2>/dev/null </dev/null").c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 4096> room{};
  while (out.text.size() < limits::doctor_output_bytes_max) {
    const std::size_t got = std::fread(room.data(), 1, room.size(), pipe);
    if (got == 0) break;
    out.text.append(room.data(), got);
  }
  out.well = ::pclose(pipe) == 0;
  return out;
}

bool wants(const config::Config& config, config::Engine engine) {
  return std::ranges::any_of(config.models, [&](const config::Model& model) { return model.engine == engine; });
}

bool wants_gpu(const config::Config& config) {
  const auto models = keeping::catalogue_models(config);
  return models && std::ranges::any_of(*models, [](const gateway::CatalogueModel& model) {
           return model.settings.kind != engines::EngineKind::openai && model.settings.gpu;
         });
}

// `patience_s`: Python reads for a while before vLLM says a word.
Finding engine(const std::filesystem::path& program, std::string_view key, bool wanted, int patience_s) {
  if (program.empty())
    return {"engine", wanted ? Verdict::bad : Verdict::note, fmt::format("no {} is named", key),
            wanted ? "name it in the configuration" : ""};
  std::string quoted = "'";
  for (const char c : program.string()) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  if (!said(fmt::format("timeout {} {}' --version", patience_s, quoted)).well)
    return {"engine", Verdict::bad, program.string() + " does not start",
            "run it with --version and read its error: a missing library, or built for another processor"};
  return {"engine", Verdict::good, program.string() + " starts", {}};
}

// Of those that lie in the machine's own memory and whose files are here.
std::vector<doctor::ModelNeeds> needs_of(const config::Config& config) {
  std::vector<doctor::ModelNeeds> all;
  const auto models = keeping::catalogue_models(config);
  if (!models) return all;
  for (const gateway::CatalogueModel& model : *models) {
    if (model.settings.kind == engines::EngineKind::openai || model.settings.gpu || keeping::is_away(model.settings))
      continue;
    if (const auto need = keeping::need_of(model.settings))
      all.push_back({model.settings.id, need->total(), model.settings.pinned});
  }
  return all;
}

std::vector<Finding> tls(const config::Config& config) {
  const TlsFindings found = look_at_tls(config, SystemClock().wall());
  std::vector<Finding> all;
  const auto add = [&](const std::vector<config::Problem>& problems, Verdict verdict) {
    for (const config::Problem& problem : problems) all.push_back({"tls", verdict, problem.message, problem.hint});
  };
  add(found.unusable, Verdict::bad);
  add(found.out_of_date, Verdict::bad);
  add(found.warnings, Verdict::warn);
  add(found.lasting, Verdict::good);
  return all;
}

// What engines are kept from (docs/decisions/0018-isolation.md).
Finding sandbox() {
  if (const int version = node::Sandbox::version(); version > 0)
    return {"sandbox", Verdict::good, fmt::format("Landlock {} keeps engines from files", version), {}};
  return {"sandbox", Verdict::warn, "Landlock is off: engines can read whatever the server's user can",
          "boot with lsm=landlock among the others, and let the service call landlock_* (SystemCallFilter)"};
}

int run_doctor(const std::string& config_file, bool json) {
  auto parsed = config::look_at_file(config_file);
  if (!parsed) return complain(parsed.error());
  std::vector<Finding> findings;
  for (const config::Problem& problem : parsed->problems)
    findings.push_back({"configuration", Verdict::bad, config::describe(problem, config_file),
                        "mend it before the next start; 'faelled check' tells the same"});
  // What was read of it is looked at all the same, unless not even the data folder is known.
  if (!parsed->config.data.empty())
    for (Finding& finding : examine(parsed->config, config_file)) findings.push_back(std::move(finding));
  if (json) {
    std::string text;
    json::Writer out(text);
    out.object().key("findings").array();
    for (const Finding& finding : findings)
      out.object()
          .member("what", finding.what)
          .member("verdict", name_of(finding.verdict))
          .member("says", finding.says)
          .member_or_null("mend", finding.mend)
          .close_object();
    out.close_array().close_object();
    std::cout << text << "\n";
  } else {
    std::cout << findings_text(findings);
  }
  return std::ranges::any_of(findings, [](const Finding& finding) { return finding.verdict == Verdict::bad; }) ? 1 : 0;
}

}  // namespace

std::vector<Finding> examine(const config::Config& config, const std::string& config_file) {
  const auto for_models = memory_for_models(config);
  const doctor::Needs needs{config.data, config.limits.connections, for_models ? for_models->bytes : 0,
                            needs_of(config)};
  const bool elsewhere = !config.store.url.empty();
  const bool llama = wants(config, config::Engine::llama), vllm = wants(config, config::Engine::vllm);
  const Said driver = said("timeout 20 nvidia-smi -q");
  const Said there = said("command -v nvidia-smi");
  std::vector<Finding> all{doctor::configuration(config_file, !config.keys.empty()),
                           doctor::data_folder(config.data),
                           doctor::master_key(config.data, elsewhere),
                           elsewhere ? Finding{"backup", Verdict::note, "PostgreSQL is backed up by its own tools", {}}
                                     : doctor::last_backup(config.data, SystemClock().wall()),
                           doctor::disk(needs),
                           doctor::memory("/", needs),
                           doctor::swap("/"),
                           doctor::shared_memory("/dev/shm"),
                           doctor::open_files(needs),
                           doctor::clock(),
                           doctor::core_dumps("/"),
                           sandbox(),
                           engine(config.llama_server, "llama_server", llama, 20)};
  for (const Error& refusal : refusals_of(config))
    all.push_back({"configuration", Verdict::bad, "no server would start: " + refusal.message, refusal.hint});
  for (Finding& certificate : tls(config)) all.push_back(std::move(certificate));
  if (vllm) all.push_back(engine(config.vllm, "vllm", true, 120));
  for (Finding& gpu : doctor::gpus(driver.text, !there.well, wants_gpu(config))) all.push_back(std::move(gpu));
  return all;
}

std::string findings_text(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out += fmt::format("{:<5}{:<15}{}\n", name_of(finding.verdict), finding.what, finding.says);
    if (!finding.mend.empty()) out += fmt::format("{:<20}→ {}\n", "", finding.mend);
  }
  const auto count = [&](Verdict verdict) { return std::ranges::count(findings, verdict, &Finding::verdict); };
  out += fmt::format("{} bad, {} to look at\n", count(Verdict::bad), count(Verdict::warn));
  return out;
}

void add_doctor_commands(CLI::App& app, Invocation& invocation) {
  constexpr const char* config_help = "The server's configuration file (also FAELLED_CONFIG)";
  auto json = std::make_shared<bool>(false);
  CLI::App& examine = *app.add_subcommand(
      "doctor", "Look at this machine and this instance, and say in plain words what is wrong and how to mend it");
  add_config(examine, invocation, config_help);
  examine.add_flag("--json", *json, "Print the findings as JSON");
  examine.footer("Exit status 1 where something is bad. Run it as the user that the server runs as.");
  examine.callback([&invocation, json] { invocation.status = run_doctor(invocation.config, *json); });

  auto file = std::make_shared<std::string>();
  CLI::App& bundle = *app.add_subcommand(
      "support-bundle",
      "Write what a supporter needs into one text file: no prompt, answer, key, name or address in it");
  add_config(bundle, invocation, config_help);
  bundle.add_option("FILE", *file, "The file to write; it must not be there yet")->required();
  bundle.callback(
      [&invocation, file] { invocation.status = write_support_bundle(invocation.config, *file, invocation.version); });
}

}  // namespace faelled::app
