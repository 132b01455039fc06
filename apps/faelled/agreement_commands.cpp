// What members are promised, as it is.
#include <iostream>
#include <utility>

#include "agreement_plan_text.hpp"
#include "answer.hpp"
#include "command.hpp"
#include "command_groups.hpp"
#include "json/document.hpp"

namespace faelled::app {
namespace {

constexpr const char* csv_help = "Print CSV, with a heading";

struct ListOptions : Printing {
  std::string member;

  void declare(CLI::App& command) {
    command.add_option("--member", member, "This member alone, by its id");
    add_csv(command, *this, csv_help);
  }
};

int list(const Control& control, const ListOptions& o) {
  return show(control, o, "/api/agreements?limit=500" + query_of({{"member", o.member}}), "agreements",
              {"member", "tier", "state", "from", "until", "share", "places", "wait_s", "fee_ore", "suspended", "id"},
              "after");
}

struct ShowOptions : Printing {
  std::string member;

  void declare(CLI::App& command) { command.add_option("MEMBER", member, "The member's id")->required(); }
};

// Those that are in force or coming.
int show_one(const Control& control, const ShowOptions& o) {
  auto body = control.call("GET", "/api/agreements?member=" + percent_encoded(o.member));
  if (!body) return complain(body.error());
  if (o.json) {
    std::cout << *body << "\n";
    return 0;
  }
  json::Document document;
  const auto root = document.parse(*body);
  const auto rows = root ? root->find("agreements") : std::nullopt;
  if (!rows) return complain(strange_answer("has no rows"));
  if (rows->is_empty())
    std::cout << o.member << " has no agreement, and so the smallest share and no limit of places.\n";
  bool first = true;
  for (const json::Value row : rows->items())
    std::cout << (std::exchange(first, false) ? "" : "\n") << agreement_text(row);
  return 0;
}

struct HistoryOptions : Printing {
  std::string member;

  void declare(CLI::App& command) {
    command.add_option("MEMBER", member, "The member's id; all members where left out");
    add_csv(command, *this, csv_help);
  }
};

int history(const Control& control, const HistoryOptions& o) {
  return show(control, o, "/api/agreements/history?limit=500" + query_of({{"member", o.member}}), "agreements",
              {"begins_at", "ended_at", "member", "tier", "state", "share", "places", "wait_s", "fee_ore", "suspended",
               "made_by", "ended_by", "id"},
              "before");
}

int list_tiers(const Control& control, const Printing& printing) {
  return show(control, printing, "/api/tiers", "tiers", {"id", "name", "share", "places", "wait_s", "fee_ore"});
}

}  // namespace

void add_agreements(CLI::App& app, Invocation& invocation) {
  CLI::App& agreement =
      *app.add_subcommand("agreement", "What members are promised; `faelled apply` changes it")->require_subcommand(1);
  add_command<ListOptions>(agreement, "list", "Agreements that are in force or coming", invocation, list);
  add_command<ShowOptions>(agreement, "show", "A member's agreement, value by value", invocation, show_one);
  add_command<HistoryOptions>(agreement, "history", "What was promised when, newest first", invocation, history);
  CLI::App& tier =
      *app.add_subcommand("tier", "Tiers: what an agreement has where it says nothing itself")->require_subcommand(1);
  add_command<Printing>(tier, "list", "All tiers", invocation, list_tiers);
}

}  // namespace faelled::app
