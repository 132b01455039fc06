#include "agreement_commands.hpp"

#include <fmt/format.h>

#include <iostream>

#include "agreement_plan_text.hpp"
#include "apply_command.hpp"
#include "command.hpp"
#include "json/document.hpp"

namespace faelled::app {
namespace {

const std::vector<std::string>& columns() {
  static const std::vector<std::string> all{"member", "tier",   "state",   "from",      "until", "share",
                                            "places", "wait_s", "fee_ore", "suspended", "id"};
  return all;
}

int list(const Control& control, const Options& options) {
  std::string target = "/api/agreements?limit=500";
  if (!options.member.empty()) target += "&member=" + percent_encoded(options.member);
  return show(control, options, target, "agreements", columns(), "after");
}

// Those that are in force or coming.
int show_one(const Control& control, const Options& options) {
  auto body = control.call("GET", "/api/agreements?member=" + percent_encoded(options.member));
  if (!body) return complain(body.error());
  if (options.json) {
    std::cout << *body << "\n";
    return 0;
  }
  json::Document document;
  const auto root = document.parse(*body);
  const auto rows = root ? root->find("agreements") : std::nullopt;
  if (!rows)
    return complain({Errc::io, "the server's answer has no rows", "is it of the same version as this program?"});
  if (rows->is_empty())
    std::cout << options.member << " has no agreement, and so the smallest share and no limit of places.\n";
  bool first = true;
  for (const json::Value row : rows->items())
    std::cout << (std::exchange(first, false) ? "" : "\n") << agreement_text(row);
  return 0;
}

int history(const Control& control, const Options& options) {
  std::string target = "/api/agreements/history?limit=500";
  if (!options.member.empty()) target += "&member=" + percent_encoded(options.member);
  return show(control, options, target, "agreements",
              {"begins_at", "ended_at", "member", "tier", "state", "share", "places", "wait_s", "fee_ore", "suspended",
               "made_by", "ended_by", "id"},
              "before");
}

void add_csv(Command& command) {
  command->add_flag("--csv", command.options().csv, "Print CSV, with a heading")->excludes("--json");
  command->add_flag("--excel", command.options().excel, "CSV as a Danish Excel opens it: UTF-8 with a mark, semicolons")
      ->excludes("--json");
}

}  // namespace

void add_agreement_commands(CLI::App& app, std::string& config, int& status) {
  add_apply_command(app, config, status);
  auto* agreement =
      app.add_subcommand("agreement", "What members are promised; `faelled apply` changes it")->require_subcommand(1);
  Command all(*agreement, "list", "Agreements that are in force or coming", config, status, list);
  all->add_option("--member", all.options().member, "This member alone, by its id");
  add_csv(all);
  Command one(*agreement, "show", "A member's agreement, value by value", config, status, show_one);
  one->add_option("MEMBER", one.options().member, "The member's id")->required();
  Command was(*agreement, "history", "What was promised when, newest first", config, status, history);
  was->add_option("MEMBER", was.options().member, "The member's id; all members where left out");
  add_csv(was);
  auto* tier =
      app.add_subcommand("tier", "Tiers: what an agreement has where it says nothing itself")->require_subcommand(1);
  Command(*tier, "list", "All tiers", config, status, [](const Control& c, const Options& o) {
    return show(c, o, "/api/tiers", "tiers", {"id", "name", "share", "places", "wait_s", "fee_ore"});
  });
}

}  // namespace faelled::app
