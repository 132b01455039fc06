// audit replay, heads and forget: the decision log checked and run again. Works on files; needs no server.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <vector>

#include "command_groups.hpp"
#include "complain.hpp"
#include "config/config.hpp"
#include "decisions/disk.hpp"
#include "decisions/heads.hpp"
#include "decisions/pseudonyms.hpp"
#include "decisions/replay.hpp"
#include "json/writer.hpp"

namespace faelled::app {
namespace {

namespace fs = std::filesystem;

struct ReplayOptions {
  std::vector<std::string> files;
  std::string heads, names;
  bool json = false;
};

// Files as they are, folders as the log's files in them; oldest first.
Expected<std::vector<fs::path>> files_of(const std::vector<std::string>& named) {
  std::vector<fs::path> files;
  for (const std::string& name : named) {
    std::error_code error;
    if (fs::is_directory(name, error)) {
      const auto there = decisions::log_files(name);
      if (!there) return std::unexpected(there.error());
      for (const std::string& file : *there) files.push_back(fs::path(name) / file);
    } else {
      files.emplace_back(name);
    }
  }
  std::ranges::sort(files, {}, [](const fs::path& file) { return file.filename(); });
  return files;
}

using Names = std::map<std::string, std::string, std::less<>>;

// Pseudonyms of members and who they are, where the table is there.
Expected<Names> names_of(const ReplayOptions& options, const std::vector<fs::path>& files) {
  const auto rows = decisions::read_pseudonyms(
      options.names.empty() ? files.front().parent_path() / decisions::pseudonyms_file : fs::path(options.names));
  if (!rows) return std::unexpected(rows.error());
  Names names;
  for (const decisions::PseudonymRow& row : *rows)
    if (row.member) names.emplace(row.pseudonym, row.id);
  return names;
}

std::string name_of(const Names& names, const std::string& pseudonym) {
  const auto found = names.find(pseudonym);
  return found == names.end() ? "" : found->second;
}

std::string when(const std::optional<WallTime>& at) {
  return at ? fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", std::chrono::floor<std::chrono::seconds>(*at)) : "";
}

std::string json_of(const decisions::ReplayReport& report, const Names& names) {
  std::string text;
  json::Writer out(text);
  out.object()
      .member("in_order", report.in_order())
      .member("files", report.files)
      .member("lines", report.lines)
      .member("starts", report.starts)
      .member("events", report.events)
      .member("skipped", report.skipped)
      .member("differing", report.differing)
      .member("violations", report.violations)
      .member("floor_violations", report.floor_violations)
      .member("from", when(report.from))
      .member("to", when(report.to));
  out.key("findings").array();
  for (const decisions::Finding& finding : report.findings)
    out.object()
        .member("file", finding.file)
        .member("line", finding.line)
        .member("what", finding.what)
        .member("fault", finding.fault)
        .close_object();
  out.close_array().key("members").array();
  for (const decisions::MemberSums& sum : report.members)
    out.object()
        .member("pseudonym", sum.pseudonym)
        .member("member", name_of(names, sum.pseudonym))
        .member("served", sum.served)
        .member("lent", sum.lent)
        .member("borrowed", sum.borrowed)
        .member("asked", sum.asked)
        .member("granted_floor", sum.granted_floor)
        .member("granted_borrowed", sum.granted_borrowed)
        .member("expired", sum.expired)
        .member("refused", sum.refused)
        .close_object();
  out.close_array().close_object();
  return text + "\n";
}

void print(const decisions::ReplayReport& report, const Names& names) {
  for (const decisions::Finding& finding : report.findings)
    std::cout << fmt::format("{}: {}{}: {}\n", finding.fault ? "FAULT" : "note", finding.file,
                             finding.line == 0 ? "" : fmt::format(":{}", finding.line), finding.what);
  std::cout << fmt::format("{} files, {} lines, {} starts of the server, from {} to {}\n", report.files, report.lines,
                           report.starts, when(report.from), when(report.to));
  std::cout << fmt::format("{} events decided again, {} differ, {} skipped\n", report.events, report.differing,
                           report.skipped);
  std::cout << fmt::format("{} promises broken, {} of them floors\n", report.violations, report.floor_violations);
  std::cout << fmt::format("\n{:<16}  {:<20} {:>16} {:>16} {:>16} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "pseudonym",
                           "member", "served", "lent", "borrowed", "asked", "on floor", "borrowing", "expired",
                           "refused");
  for (const decisions::MemberSums& sum : report.members)
    std::cout << fmt::format("{:<16}  {:<20} {:>16} {:>16} {:>16} {:>9} {:>9} {:>9} {:>9} {:>9}\n", sum.pseudonym,
                             name_of(names, sum.pseudonym), sum.served, sum.lent, sum.borrowed, sum.asked,
                             sum.granted_floor, sum.granted_borrowed, sum.expired, sum.refused);
  std::cout << (report.in_order() ? "\nIn order.\n" : "\nNot in order: see the faults above.\n");
}

int replay(const ReplayOptions& options) {
  std::vector<decisions::Head> heads;
  if (!options.heads.empty()) {
    const auto text = decisions::read_file(options.heads);
    if (!text) return complain(text.error());
    auto read = decisions::read_heads(*text);
    if (!read) return complain({read.error().code, options.heads + ": " + read.error().message, read.error().hint});
    heads = std::move(*read);
  }
  const auto files = files_of(options.files);
  if (!files) return complain(files.error());
  if (files->empty())
    return complain({Errc::not_found, "there are no files of the decision log", "name the files or their folder"});
  const auto names = names_of(options, *files);
  if (!names) return complain(names.error());
  decisions::Replay again(heads);
  for (const fs::path& file : *files) {
    const auto content = decisions::read_file(file);
    if (!content) return complain(content.error());
    again.file(file.filename().string(), *content);
  }
  const decisions::ReplayReport report = again.finish();
  if (options.json)
    std::cout << json_of(report, *names);
  else
    print(report, *names);
  return report.in_order() ? 0 : 1;
}

struct Folder {
  fs::path path;
  bool named = false;  // by whoever asks; the data folder's own need not be there before the first decision
};

Expected<Folder> folder_of(const std::string& named, const std::string& config) {
  if (!named.empty()) {
    std::error_code error;
    if (fs::is_directory(named, error)) return Folder{named, true};
    if (error && error != std::errc::no_such_file_or_directory)
      return fail(Errc::io, named + " cannot be looked at: " + error.message(), "run it as the server's user");
    return fail(Errc::not_found, "there is no folder " + named, "name the decision log's folder");
  }
  const auto data = config::data_folder(config);
  if (!data) return std::unexpected(data.error());
  return Folder{*data / "decisions", false};
}

int heads(const std::string& named, const std::string& config) {
  const auto folder = folder_of(named, config);
  if (!folder) return complain(folder.error());
  const auto all = decisions::heads_of(folder->path);
  if (!all && all.error().code == Errc::not_found && !folder->named) return 0;
  if (!all) return complain(all.error());
  for (const decisions::Head& head : *all) std::cout << decisions::text_of(head) << "\n";
  return 0;
}

struct ForgetOptions {
  std::string id, folder;
};

int forget(const ForgetOptions& options, const std::string& config) {
  const auto folder = folder_of(options.folder, config);
  if (!folder) return complain(folder.error());
  const auto forgotten = decisions::forget_pseudonyms(folder->path / decisions::pseudonyms_file, options.id);
  if (!forgotten) return complain(forgotten.error());
  if (*forgotten == 0) return complain({Errc::not_found, "'" + options.id + "' has no pseudonym", ""});
  std::cout << "forgotten: nobody can find " << options.id << " in the decision log any more\n";
  return 0;
}

}  // namespace

void add_decision_audit(CLI::App& audit, Invocation& invocation) {
  auto again = std::make_shared<ReplayOptions>();
  auto* command = audit.add_subcommand("replay", "Check files of the decision log, decide all again and compare");
  command->add_option("FILES", again->files, "Files of the log, or its folder")->required()->check(CLI::ExistingPath);
  command->add_option("--heads", again->heads, "Heads kept elsewhere, as `audit heads` prints them");
  command->add_option("--names", again->names, "The table of pseudonyms; without it, the one beside the first file")
      ->check(CLI::ExistingFile);
  command->add_flag("--json", again->json, "Print one line of JSON");
  command->footer("docs/audit-replay.md tells what is checked. Exit status: 0 in order, 1 not.");
  command->callback([again, &invocation] { invocation.status = replay(*again); });

  const auto with_folder = [&](CLI::App* one, std::string& folder) {
    add_config(*one, invocation);
    one->add_option("--folder", folder, "The log's folder; without it, the one in the data folder");
  };
  auto folder = std::make_shared<std::string>();
  auto* all = audit.add_subcommand("heads", "What vouches for the decision log up to now: keep it elsewhere, daily");
  with_folder(all, *folder);
  all->callback([folder, &invocation] { invocation.status = heads(*folder, invocation.config); });

  auto gone = std::make_shared<ForgetOptions>();
  auto* erase = audit.add_subcommand("forget", "Erase who a pseudonym of the decision log is; the log stays whole");
  erase->add_option("ID", gone->id, "The member's, user's or key's id")->required();
  with_folder(erase, gone->folder);
  erase->callback([gone, &invocation] { invocation.status = forget(*gone, invocation.config); });
}

}  // namespace faelled::app
