#include "commands.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "command.hpp"
#include "command_groups.hpp"
#include "portal/render.hpp"

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

constexpr const char* from_help = "From this time on: 2026-11-23 or 2026-11-23T08:00:00Z (UTC)";
constexpr const char* to_help = "Before this time, in the same form";

struct UsageOptions : Printing {
  bool rows = false;
  std::string from, to, member;

  void declare(CLI::App& command) {
    command.add_flag("--rows", rows, "Every request, one row each, by time");
    add_csv(command, *this, "Print CSV, with a heading; rows have all columns");
    command.add_option("--from", from, from_help);
    command.add_option("--to", to, to_help);
    command.add_option("--member", member, "This member alone, by its id");
  }
};

int usage(const Control& control, const UsageOptions& o) {
  const std::string target =
      fmt::format("/api/usage?rows={}{}", o.rows, query_of({{"from", o.from}, {"to", o.to}, {"member", o.member}}));
  if (o.rows) return all_rows(control, o, {target, "rows", "after", row_columns(), columns_of(portal::csv_usage_head)});
  return show(control, o, target, "usage", columns_of(portal::csv_sum_head), "after");
}

struct LogOptions : Printing {
  std::string from, to, member, actor, action;

  void declare(CLI::App& command) {
    add_csv(command, *this, "Print CSV, with a heading and all columns");
    command.add_option("--from", from, from_help);
    command.add_option("--to", to, to_help);
    command.add_option("--member", member, "What is this member's alone, by its id");
    command.add_option("--actor", actor, "What this user, key or front end did, by its id");
    command.add_option("--action", action, "This action alone, such as user.update");
  }
};

int audit_log(const Control& control, const LogOptions& o) {
  const std::string query =
      query_of({{"from", o.from}, {"to", o.to}, {"member", o.member}, {"actor", o.actor}, {"action", o.action}});
  return all_rows(control, o,
                  {"/api/audit?limit=1000" + query,
                   "rows",
                   "before",
                   {"at", "actor_kind", "actor", "peer", "action", "object", "object_member", "outcome", "times"},
                   columns_of(portal::csv_audit_head)});
}

}  // namespace

std::string default_config() {
  const char* named = std::getenv("FAELLED_CONFIG");
  return named != nullptr && *named != '\0' ? named : "faelled.yaml";
}

void add_commands(CLI::App& app, Invocation& invocation) {
  add_command<UsageOptions>(app, "usage", "What was used: sums per member, caller and model, or every request",
                            invocation, usage);
  CLI::App& audit =
      *app.add_subcommand("audit", "Administrative acts, done and refused; decisions, checked")->require_subcommand(1);
  add_command<LogOptions>(audit, "log", "All rows, newest first; nobody can change or remove one", invocation,
                          audit_log);
  add_decision_audit(audit, invocation);
  add_people(app, invocation);
  add_apply(app, invocation);
  add_agreements(app, invocation);
  add_keys(app, invocation);
  add_commons(app, invocation);
  add_maintenance(app, invocation);
  add_front_ends(app, invocation);
  add_residency(app, invocation);
  add_aliases(app, invocation);
}

}  // namespace faelled::app
