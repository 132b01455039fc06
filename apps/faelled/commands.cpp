#include "commands.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <iostream>

#include "agreement_commands.hpp"
#include "audit_commands.hpp"
#include "command.hpp"
#include "front_end_commands.hpp"
#include "portal/render.hpp"
#include "table.hpp"

namespace faelled::app {
namespace {

const std::vector<std::string>& row_columns() {
  static const std::vector<std::string> all{"request_id",   "member",        "caller",        "model",    "started_at",
                                            "input_tokens", "cached_tokens", "output_tokens", "queue_us", "load_us",
                                            "engine_us",    "outcome",       "cause"};
  return all;
}

// The columns that the server's own CSV has.
std::vector<std::string> columns_of(std::string_view head) {
  std::vector<std::string> all;
  for (head.remove_suffix(2); !head.empty(); head.remove_prefix(std::min(head.size(), all.back().size() + 1)))
    all.emplace_back(head.substr(0, head.find(',')));
  return all;
}

int usage(const Control& control, const Options& options) {
  std::string target = "/api/usage?rows=" + std::string(options.rows ? "true" : "false");
  for (const auto& [name, value] :
       {std::pair("from", &options.from), std::pair("to", &options.to), std::pair("member", &options.member)})
    if (!value->empty()) target += fmt::format("&{}={}", name, percent_encoded(*value));
  if (options.rows)
    return all_rows(control, options, {target, "rows", "after", row_columns(), columns_of(portal::csv_usage_head)});
  const std::vector<std::string> columns = columns_of(portal::csv_sum_head);
  return all_rows(control, options, {target, "usage", "after", columns, columns});
}

int audit_log(const Control& control, const Options& options) {
  std::string target = "/api/audit?limit=1000";
  for (const auto& [name, value] :
       {std::pair("from", &options.from), std::pair("to", &options.to), std::pair("member", &options.member),
        std::pair("actor", &options.actor), std::pair("action", &options.action)})
    if (!value->empty()) target += fmt::format("&{}={}", name, percent_encoded(*value));
  return all_rows(control, options,
                  {target,
                   "rows",
                   "before",
                   {"at", "actor_kind", "actor", "peer", "action", "object", "object_member", "outcome", "times"},
                   columns_of(portal::csv_audit_head)});
}

void add_excel(Command& command) {
  command->add_flag("--excel", command.options().excel, "CSV as a Danish Excel opens it: UTF-8 with a mark, semicolons")
      ->excludes("--json");
}

void add_audit(CLI::App& app, std::string& config, int& status) {
  auto* audit =
      app.add_subcommand("audit", "Administrative acts, done and refused; decisions, checked")->require_subcommand(1);
  Command log(*audit, "log", "All rows, newest first; nobody can change or remove one", config, status, audit_log);
  log->add_flag("--csv", log.options().csv, "Print CSV, with a heading and all columns")->excludes("--json");
  add_excel(log);
  log->add_option("--from", log.options().from, "From this time on: 2026-11-23 or 2026-11-23T08:00:00Z (UTC)");
  log->add_option("--to", log.options().to, "Before this time, in the same form");
  log->add_option("--member", log.options().member, "What is this member's alone, by its id");
  log->add_option("--actor", log.options().actor, "What this user, key or front end did, by its id");
  log->add_option("--action", log.options().action, "This action alone, such as user.update");
  add_decision_audit(*audit, config, status);
}

}  // namespace

std::string default_config() {
  const char* named = std::getenv("FAELLED_CONFIG");
  return named != nullptr && *named != '\0' ? named : "faelled.yaml";
}

void add_commands(CLI::App& app, std::string& config, int& status) {
  Command use(app, "usage", "What was used: sums per member, caller and model, or every request", config, status,
              usage);
  use->add_flag("--rows", use.options().rows, "Every request, one row each, by time");
  use->add_flag("--csv", use.options().csv, "Print CSV, with a heading; rows have all columns")->excludes("--json");
  add_excel(use);
  use->add_option("--from", use.options().from, "From this time on: 2026-11-23 or 2026-11-23T08:00:00Z (UTC)");
  use->add_option("--to", use.options().to, "Before this time, in the same form");
  use->add_option("--member", use.options().member, "This member alone, by its id");
  add_audit(app, config, status);
  add_people(app, config, status);
  add_agreement_commands(app, config, status);
  add_keys(app, config, status);
  add_commons(app, config, status);
  add_maintenance(app, config, status);
  add_front_end_commands(app, config, status);
  add_residency(app, config, status);
  add_aliases(app, config, status);
}

}  // namespace faelled::app
