#include "agreement_plan_text.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "answer.hpp"

namespace faelled::app {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;  // what it is called, and its value

std::int64_t whole_of(const json::Value& row, std::string_view name) {
  const auto value = row.find(name);
  return value ? value->integer().value_or(0) : 0;
}

std::string kroner(const json::Value& row) {
  const auto fee = row.find("fee_ore");
  if (!fee || fee->is_null()) return "none";
  const std::int64_t ore = fee->integer().value_or(0);
  return fmt::format("{}.{:02} kr", ore / 100, ore % 100);
}

// What both a tier and an agreement have.
void add_values(const json::Value& row, Lines& lines) {
  lines.emplace_back("share", text_of(row, "share", "none"));
  const std::int64_t places = whole_of(row, "places"), now = whole_of(row, "places_now");
  std::string shown = places == 0 ? "no limit" : std::to_string(places);
  if (now != places) shown += fmt::format(" (counts as {})", now);
  lines.emplace_back("places", shown);
  const std::string wait = text_of(row, "wait_s", "");
  lines.emplace_back("wait", wait.empty() ? "as the server's" : wait + " s");
  std::string models;
  if (const auto list = row.find("models"))
    for (const json::Value id : list->items()) models += (models.empty() ? "" : " ") + id.text().value_or("");
  lines.emplace_back("models", models.empty() ? "all" : models);
  lines.emplace_back("fee a month", kroner(row));
}

Lines lines_of_agreement(const json::Value& row) {
  Lines lines{{"tier", text_of(row, "tier", "")},
              {"from", text_of(row, "from", "")},
              {"until", text_of(row, "until", "it is ended")}};
  add_values(row, lines);
  const auto suspended = row.find("suspended");
  const bool is = suspended && suspended->boolean().value_or(false);
  lines.emplace_back("suspended",
                     is ? "yes: " + text_of(row, "reason_en", "") + " / " + text_of(row, "reason_da", "") : "no");
  return lines;
}

Lines lines_of_tier(const json::Value& row) {
  Lines lines{{"name", text_of(row, "name", "")}};
  add_values(row, lines);
  return lines;
}

std::string joined(const Lines& lines) {
  std::string out;
  for (const auto& [name, value] : lines) out += (out.empty() ? "" : ", ") + name + " " + value;
  return out;
}

std::string changes(const Lines& before, const Lines& after) {
  std::string out;
  for (std::size_t i = 0; i < before.size(); ++i)
    if (before[i].second != after[i].second)
      out += fmt::format("{}{} {} → {}", out.empty() ? "" : ", ", before[i].first, before[i].second, after[i].second);
  return out;
}

std::string step_text(const json::Value& step) {
  const auto there = [&](std::string_view name) -> std::optional<json::Value> {
    const auto value = step.find(name);
    return value && !value->is_null() ? value : std::nullopt;
  };
  for (const auto& [before_name, after_name, tier] :
       {std::tuple("tier_before", "tier_after", true), std::tuple("before", "after", false)}) {
    const auto before = there(before_name), after = there(after_name);
    if (!before && !after) continue;
    const auto lines = [tier](const json::Value& row) { return tier ? lines_of_tier(row) : lines_of_agreement(row); };
    const std::string name =
        tier ? "tier " + text_of(after ? *after : *before, "id", "") : text_of(after ? *after : *before, "member", "");
    if (before && after) return fmt::format("~ {}: {}\n", name, changes(lines(*before), lines(*after)));
    return fmt::format("{} {}: {}\n", after ? "+" : "-", name, joined(lines(after ? *after : *before)));
  }
  return {};
}

}  // namespace

std::string plan_text(const json::Value& plan) {
  std::string out;
  std::size_t begin = 0, change = 0, end = 0;
  if (const auto steps = plan.find("steps")) {
    for (const json::Value step : steps->items()) {
      out += step_text(step);
      const std::string kind = text_of(step, "kind", "");
      begin += kind == "begin" ? 1 : 0;
      change += kind == "change" ? 1 : 0;
      end += kind == "end" ? 1 : 0;
    }
  }
  if (const auto warnings = plan.find("warnings"))
    for (const json::Value note : warnings->items()) out += "warning: " + text_of(note, "message", "") + "\n";
  if (const std::int64_t over = whole_of(plan, "over"); over > 0)
    out += fmt::format("{} in the file {} over and left out.\n", over, over == 1 ? "is" : "are");
  const auto steps = plan.find("steps");
  if (!steps || steps->is_empty()) return out + "There is nothing to do.\n";
  const auto counted = [](std::size_t number, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", number, number == 1 ? one : many);
  };
  return out + fmt::format("Agreements: {}, {}, {}.\n", counted(begin, "begins", "begin"),
                           counted(change, "changes", "change"), counted(end, "ends", "end"));
}

std::string agreement_text(const json::Value& agreement) {
  std::string out = fmt::format("id: {}\nmember: {}\nstate: {}\n", text_of(agreement, "id", "-"),
                                text_of(agreement, "member", ""), text_of(agreement, "state", ""));
  for (const auto& [name, value] : lines_of_agreement(agreement)) out += name + ": " + value + "\n";
  for (const char* name : {"inhabitants", "begins_at", "made_at", "made_by", "ended_at", "ended_by", "follows"})
    if (const std::string text = text_of(agreement, name, ""); !text.empty())
      out += std::string(name) + ": " + text + "\n";
  return out;
}

}  // namespace faelled::app
