// `faelled apply`: tiers and agreements as one file says them. The difference is shown first; a second run says that
// there is nothing to do.
#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "agreement_plan_text.hpp"
#include "answer.hpp"
#include "base/limits.hpp"
#include "command.hpp"
#include "command_groups.hpp"
#include "config/agreements.hpp"
#include "contents.hpp"
#include "json/document.hpp"
#include "json/writer.hpp"

namespace faelled::app {
namespace {

void write_key(json::Writer& out, std::string_view name, const config::SizeKey& key) {
  out.key(name).object().member("key", key.kind);
  if (key.kind == "size_class") {
    out.key("bands").array();
    for (const config::SizeBand& band : key.bands) {
      out.object();
      if (band.below) out.member("below", *band.below);
      out.member("value", band.value).close_object();
    }
    out.close_array();
  } else if (key.kind == "inhabitants") {
    out.member("each", key.each).member("per", key.per).member("above", key.above);
    if (key.knee) out.member("knee", *key.knee);
  }
  out.close_object();
}

template <class Row>
void write_values(json::Writer& out, const Row& row) {
  for (const auto& [name, value] : {std::pair("share", &row.share), std::pair("places", &row.places),
                                    std::pair("wait_s", &row.wait_s), std::pair("fee_ore", &row.fee_ore)})
    if (*value) out.member(name, **value);
  if (!row.models) return;
  out.key("models").array();
  for (const std::string& id : *row.models) out.text(id);
  out.close_array();
}

// `plan`: the one that was shown; empty: none yet.
std::string request_of(const config::AgreementsFile& file, const config::ParsedInhabitants& inhabitants,
                       const std::string& plan) {
  std::string body;
  json::Writer out(body);
  out.object().member("whole", true).member_or_null("plan", plan);
  write_key(out, "share_by", file.share_by);
  write_key(out, "fee_by", file.fee_by);
  out.key("inhabitants").array();
  for (const auto& [member, number] : inhabitants.of)
    out.object().member("member", member).member("inhabitants", number).close_object();
  out.close_array().key("tiers").array();
  for (const config::Tier& tier : file.tiers) {
    out.object().member("id", tier.id).member_or_null("name", tier.name);
    write_values(out, tier);
    out.close_object();
  }
  out.close_array().key("agreements").array();
  for (const config::Agreement& row : file.agreements) {
    out.object().member("member", row.member).member("tier", row.tier).member("from", row.from);
    out.member_or_null("until", row.until);
    write_values(out, row);
    out.member("suspended", row.suspended);
    out.member_or_null("reason_da", row.reason_da).member_or_null("reason_en", row.reason_en).close_object();
  }
  out.close_array().close_object();
  return body;
}

// "agreements[3].share" → where that agreement stands.
config::PlaceInFile place_of(const config::AgreementsFile& file, std::string_view at) {
  const std::size_t open = at.find('['), close = at.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos) return {};
  std::size_t index = 0;
  for (const char c : at.substr(open + 1, close - open - 1)) index = index * 10 + static_cast<std::size_t>(c - '0');
  if (at.starts_with("tiers[") && index < file.tiers.size()) return file.tiers[index].at;
  if (at.starts_with("agreements[") && index < file.agreements.size()) return file.agreements[index].at;
  return {};
}

int complain_of(const std::vector<config::Problem>& problems, const std::string& file) {
  for (const config::Problem& problem : problems) std::cerr << config::describe(problem, file) << "\n";
  return complain({Errc::invalid, "nothing was changed", "docs/agreements.md describes every key"});
}

// What the server knows and the file does not: members, models, what is there.
int complain_of(const json::Value& problems, const config::AgreementsFile& file, const std::string& name) {
  std::vector<config::Problem> all;
  for (const json::Value note : problems.items()) {
    const std::string at = text_of(note, "at");
    const config::PlaceInFile place = place_of(file, at);
    all.push_back({place.line, place.column, (at.empty() ? "" : at + ": ") + text_of(note, "message"), ""});
  }
  return complain_of(all, name);
}

bool wanted() {
  std::cout << "Do this? [y/N] " << std::flush;
  std::string answer;
  if (!std::getline(std::cin, answer)) std::cout << "\n";
  return answer == "y" || answer == "yes" || answer == "j" || answer == "ja";
}

struct ApplyOptions : Printing {
  std::string file, inhabitants;
  bool yes = false;

  void declare(CLI::App& command) {
    command.add_option("-f,--file", file, "YAML, as docs/agreements.md describes it; - reads standard input")
        ->required();
    command.add_option("--inhabitants", inhabitants,
                       "CSV with the heading member,inhabitants, for shares and fees that go by size");
    command.add_flag("--yes", yes, "Do it without asking");
  }
};

int apply(const Control& control, const ApplyOptions& o) {
  auto text = contents_of(o.file, limits::agreements_file_bytes_max);
  if (!text) return complain(text.error());
  const config::ParsedAgreements parsed = config::parse_agreements(*text);
  if (!parsed.problems.empty()) return complain_of(parsed.problems, o.file);
  config::ParsedInhabitants inhabitants;
  if (!o.inhabitants.empty()) {
    auto csv = contents_of(o.inhabitants, limits::agreements_file_bytes_max);
    if (!csv) return complain(csv.error());
    inhabitants = config::parse_inhabitants(*csv);
    if (!inhabitants.problems.empty()) return complain_of(inhabitants.problems, o.inhabitants);
  }
  auto shown = control.call("POST", "/api/agreements/plan", request_of(parsed.file, inhabitants, ""));
  if (!shown) return complain(shown.error());
  json::Document document;
  const auto plan = document.parse(*shown);
  const auto problems = plan ? plan->find("problems") : std::nullopt, id = plan ? plan->find("plan") : std::nullopt;
  if (!problems || !id) return complain(strange_answer("is no plan"));
  if (!problems->is_empty()) return complain_of(*problems, parsed.file, o.file);
  const bool nothing = id->is_null();
  if (!o.json) std::cout << plan_text(*plan);
  if (nothing || (o.json && !o.yes)) {
    if (o.json) std::cout << *shown << "\n";
    return 0;
  }
  if (!o.yes && !wanted()) {
    std::cout << "Nothing was changed.\n";
    return 1;
  }
  auto done = control.call("POST", "/api/agreements", request_of(parsed.file, inhabitants, id->text().value_or("")));
  if (!done) return complain(done.error());
  std::cout << (o.json ? *done + "\n" : "Done.\n");
  return 0;
}

}  // namespace

void add_apply(CLI::App& app, Invocation& invocation) {
  CLI::App& command = *app.add_subcommand(
      "apply", "Make tiers and agreements as a file says, all of them; shows the difference first, and asks");
  const auto options = std::make_shared<ApplyOptions>();
  options->declare(command);
  connect(
      command, invocation, *options, [options](const Control& control) { return apply(control, *options); },
      "Print the plan as JSON; without --yes nothing is changed");
}

}  // namespace faelled::app
